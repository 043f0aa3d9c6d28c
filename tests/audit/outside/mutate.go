package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"runtime"
	"sort"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// forger is whoever wants another log to be believed: the folder is theirs, and here and there the log's own key too.
type forger struct {
	*rand.Rand
	f      files
	names  []string
	leaves [][]byte
	signer note.Signer
}

var kinds = []struct {
	name string
	make func(forger) files
}{
	{"flip a bit", forger.flip},
	{"drop a file", forger.dropFile},
	{"drop an entry", forger.dropEntry},
	{"swap two entries", forger.swapEntries},
	{"swap two files", forger.swapFiles},
	{"cut a file", forger.cut},
	{"cut the log and sign it", forger.cutAndSign},
	{"fork the log under the old signature", forger.fork},
	{"fork the log and sign it", forger.forkAndSign},
}

func (g forger) with(name string, content []byte) files {
	mutated := files{}
	for other, told := range g.f {
		mutated[other] = told
	}
	if mutated[name] = content; content == nil {
		delete(mutated, name)
	}
	return mutated
}

func (g forger) any() string { return g.names[g.Intn(len(g.names))] }

func (g forger) flip() files {
	name := g.any()
	told := append([]byte{}, g.f[name]...)
	told[g.Intn(len(told))] ^= 1 << g.Intn(8)
	return g.with(name, told)
}

func (g forger) dropFile() files { return g.with(g.any(), nil) }

func (g forger) cut() files {
	name := g.any()
	return g.with(name, append([]byte{}, g.f[name][:g.Intn(len(g.f[name]))]...))
}

// bundle is one entry bundle, for an edit of its entries.
func (g forger) bundle() (string, [][]byte) {
	bundles := row(-1, int64(len(g.leaves)))
	t := bundles[g.Intn(len(bundles))]
	return name(t), append([][]byte{}, g.leaves[t.N*width:t.N*width+int64(t.W)]...)
}

func packed(leaves [][]byte) []byte {
	out := []byte{}
	for _, leaf := range leaves {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(leaf))), leaf...)
	}
	return out
}

func (g forger) dropEntry() files {
	name, leaves := g.bundle()
	at := g.Intn(len(leaves))
	return g.with(name, packed(append(leaves[:at], leaves[at+1:]...)))
}

func (g forger) swapEntries() files {
	name, leaves := g.bundle()
	if len(leaves) < 2 {
		return g.swapFiles()
	}
	one := g.Intn(len(leaves))
	other := (one + 1 + g.Intn(len(leaves)-1)) % len(leaves)
	leaves[one], leaves[other] = leaves[other], leaves[one]
	return g.with(name, packed(leaves))
}

func (g forger) swapFiles() files {
	one, other := g.any(), g.any()
	for bytes.Equal(g.f[one], g.f[other]) {
		other = g.any()
	}
	mutated := g.with(one, g.f[other])
	mutated[other] = g.f[one]
	return mutated
}

// rebuilt is a whole other log, every tile of it right.
func (g forger) rebuilt(leaves [][]byte, sign bool) files {
	size := int64(len(leaves))
	hashes, err := grow(leaves)
	if err != nil {
		stop(err)
	}
	f := files{}
	for _, t := range row(-1, size) {
		f[name(t)] = packed(leaves[t.N*width : t.N*width+int64(t.W)])
	}
	for _, t := range tiles(size) {
		f[name(t)], _ = tlog.ReadTileData(t, hashes)
	}
	root, _ := tlog.TreeHash(size, hashes)
	old := string(g.f["checkpoint"])
	text := fmt.Sprintf("%s\n%d\n%s\n", g.signer.Name(), size, root)
	f["checkpoint"] = []byte(text + old[strings.Index(old, "\n\n")+1:])
	if sign {
		f["checkpoint"], _ = note.Sign(&note.Note{Text: text}, g.signer)
	}
	return f
}

func (g forger) forked() [][]byte {
	leaves := append([][]byte{}, g.leaves...)
	at := g.Intn(len(leaves))
	leaves[at] = append([]byte{'!'}, leaves[at]...)
	return leaves
}

func (g forger) fork() files        { return g.rebuilt(g.forked(), false) }
func (g forger) forkAndSign() files { return g.rebuilt(g.forked(), true) }
func (g forger) cutAndSign() files  { return g.rebuilt(g.leaves[:g.Intn(len(g.leaves))], true) }

// mutateAll checks one mutated folder after the other, on all cores; the seed and the number of a mutation make it what it is.
func mutateAll(f files, size int64, key trusted, known []string, signer note.Signer, count int, seed int64) {
	base := forger{f: f, signer: signer}
	for name := range f {
		if name != "vkey" {
			base.names = append(base.names, name)
		}
	}
	sort.Strings(base.names)
	base.leaves, _ = entries(f, size)
	refused := make([]bool, count)
	var group sync.WaitGroup
	for core := 0; core < runtime.NumCPU(); core++ {
		group.Add(1)
		go func(core int) {
			defer group.Done()
			for n := core; n < count; n += runtime.NumCPU() {
				g := base
				g.Rand = rand.New(rand.NewSource(seed<<32 + int64(n)))
				_, err := check(kinds[n%len(kinds)].make(g), key, known)
				refused[n] = err != nil
			}
		}(core)
	}
	group.Wait()
	tell(refused)
}

func tell(refused []bool) {
	total := 0
	of, no := make([]int, len(kinds)), make([]int, len(kinds))
	for n, was := range refused {
		of[n%len(kinds)]++
		if was {
			no[n%len(kinds)]++
			total++
		} else {
			fmt.Printf("accepted: mutation %d\n", n)
		}
	}
	for n, kind := range kinds {
		fmt.Printf("%s: %d of %d refused\n", kind.name, no[n], of[n])
	}
	fmt.Printf("refused %d of %d\n", total, len(refused))
	if total < len(refused) {
		stop("some were not")
	}
}
