// Command outside checks a published log with the code of Go's checksum database, and none of the writer's:
//
//	outside VKEY FOLDER [CHECKPOINT KEPT EARLIER]...
//
// It checks the signature, recomputes every tile and the root from the entries alone, and proves from the tiles that the log
// begins with each checkpoint given.
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

// files is a published folder: name to content.
type files map[string][]byte

// name is where C2SP tlog-tiles puts a tile: without the height, and entries where Go says data.
func name(t tlog.Tile) string {
	level := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(level, "data/", "entries/", 1)
}

func (f files) Height() int                         { return height }
func (f files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f files) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, t := range wanted {
		if len(f[name(t)]) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is not there, or not whole", name(t))
		}
		found = append(found, f[name(t)])
	}
	return found, nil
}

// stored is every hash of a tree, in the order of Go's own storage.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

func grow(leaves [][]byte) (s stored, err error) {
	for n, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(n), leaf, s)
		if err != nil {
			return nil, err
		}
		s = append(s, more...)
	}
	return s, nil
}

// row is the tiles of one level, which holds count hashes, or entries at level -1.
func row(level int, count int64) (tiles []tlog.Tile) {
	for n := int64(0); n*width < count; n++ {
		tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: int(min(width, count-n*width))})
	}
	return tiles
}

// tiles is every hash tile of a log.
func tiles(size int64) (all []tlog.Tile) {
	for level, count := 0, size; count > 0; level, count = level+1, count/width {
		all = append(all, row(level, count)...)
	}
	return all
}

// entries takes the entry bundles of a log apart.
func entries(f files, size int64) (leaves [][]byte, err error) {
	for _, t := range row(-1, size) {
		rest := f[name(t)]
		for n := 0; n < t.W; n++ {
			if len(rest) < 2 || len(rest) < 2+int(rest[0])<<8+int(rest[1]) {
				return nil, fmt.Errorf("%s is not there, or too short", name(t))
			}
			end := 2 + int(rest[0])<<8 + int(rest[1])
			leaves, rest = append(leaves, rest[2:end]), rest[end:]
		}
		if len(rest) > 0 {
			return nil, fmt.Errorf("%s is too long", name(t))
		}
	}
	return leaves, nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

// trusted is the keys that sign a log, all under its name.
type trusted struct {
	name string
	list note.Verifiers
}

// open reads a signed checkpoint: origin, size, root.
func open(text string, key trusted) (tree tlog.Tree, err error) {
	opened, err := note.Open([]byte(text), key.list)
	if err != nil {
		return tree, err
	}
	// Go's note takes a signature in any spelling of its base64; the log has one.
	for _, signature := range opened.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return tree, err
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != key.name {
		return tree, errors.New("not a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// check is the size of the log, or what is wrong with it.
func check(f files, key trusted, known []string) (int64, error) {
	tree, err := open(string(f["checkpoint"]), key)
	if err != nil {
		return 0, err
	}
	leaves, err := entries(f, tree.N)
	if err != nil {
		return 0, err
	}
	hashes, err := grow(leaves)
	if err != nil {
		return 0, err
	}
	if root, err := tlog.TreeHash(tree.N, hashes); tree.N > 0 && (err != nil || root != tree.Hash) {
		return 0, errors.New("the entries are not those that were signed")
	}
	for _, t := range tiles(tree.N) {
		if told, err := tlog.ReadTileData(t, hashes); err != nil || !bytes.Equal(told, f[name(t)]) {
			return 0, fmt.Errorf("%s is not what the entries make", name(t))
		}
	}
	for _, text := range known {
		if err := begins(f, tree, text, key); err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

// begins proves, from the hash tiles alone, that the log begins with the one of an earlier checkpoint.
func begins(f files, tree tlog.Tree, text string, key trusted) error {
	old, err := open(text, key)
	if err != nil || old.N == 0 {
		return err
	}
	if old.N > tree.N {
		return fmt.Errorf("there were %d entries once, and now there are %d", old.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, f))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}
