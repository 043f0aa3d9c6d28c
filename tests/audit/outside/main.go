package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	mutations := flag.Int("mutate", 0, "mutate the folder this often, in memory, and count what is refused")
	seed := flag.Int64("seed", 1, "of the mutations; the log's own key for them is read from OUTSIDE_KEY")
	flag.Parse()
	if flag.NArg() < 2 {
		stop("outside VKEY FOLDER [CHECKPOINT KEPT EARLIER]...")
	}
	key, err := trust(flag.Arg(0))
	if err != nil {
		stop(err)
	}
	var known []string
	for _, path := range flag.Args()[2:] {
		text, err := os.ReadFile(path)
		if err != nil {
			stop(err)
		}
		known = append(known, string(text))
	}
	f := load(flag.Arg(1))
	size, err := check(f, key, known)
	if err != nil {
		stop(err)
	}
	fmt.Printf("%d entries hold, and begin with %d earlier checkpoints\n", size, len(known))
	if *mutations > 0 {
		signer, err := note.NewSigner(os.Getenv("OUTSIDE_KEY"))
		if err != nil {
			stop(err)
		}
		mutateAll(f, size, key, known, signer, *mutations, *seed)
	}
}

// trust reads the verifier keys of one log: one, or several where the key was rotated, with a space between them.
func trust(vkeys string) (key trusted, err error) {
	var verifiers []note.Verifier
	for _, vkey := range strings.Fields(vkeys) {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return key, err
		}
		verifiers, key.name = append(verifiers, verifier), verifier.Name()
	}
	key.list = note.VerifierList(verifiers...)
	return key, nil
}

func load(folder string) files {
	f := files{}
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || strings.HasPrefix(info.Name(), ".") {
			return err
		}
		short, err := filepath.Rel(folder, path)
		if err == nil {
			f[filepath.ToSlash(short)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		stop(err)
	}
	return f
}

func stop(what interface{}) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}
