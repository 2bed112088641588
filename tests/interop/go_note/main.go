// Command go_note opens and signs notes, and checks proofs, with the Go team's own implementation,
// golang.org/x/mod/sumdb, to show that both sides agree.
//
//	go_note open vkey... < note    writes how many signatures are known and unknown, a line feed, the text
//	go_note sign key-file < text   writes the note
//	go_note prove vkey < proof     writes index, size and leaf hash of a tlog-proof that verifies
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: go_note open vkey... | go_note sign key-file | go_note prove vkey")
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	switch command, args := args[0], args[1:]; command {
	case "open":
		return open(input, args)
	case "sign":
		return sign(input, args)
	case "prove":
		if len(args) != 1 {
			return fmt.Errorf("prove takes one vkey")
		}
		return prove(input, args[0])
	default:
		return fmt.Errorf("unknown command %q", command)
	}
}

func open(data []byte, vkeys []string) error {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	fmt.Printf("%d known, %d unknown\n%s", len(opened.Sigs), len(opened.UnverifiedSigs), opened.Text)
	return nil
}

func sign(text []byte, keyFiles []string) error {
	var signers []note.Signer
	for _, keyFile := range keyFiles {
		skey, err := os.ReadFile(keyFile)
		if err != nil {
			return err
		}
		signer, err := note.NewSigner(string(skey))
		if err != nil {
			return err
		}
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signers...)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}
