// An independent peer of the reverse tunnel, and the checks of the program paddock against it.
//
//	peer check PADDOCK DIR [NAME...]    runs the checks; "ok NAME" or "FAIL NAME: why" each, "N passed, M failed" last
//	peer agent URL ID TOKEN             the agent's side, until it is killed
//	peer server LISTEN FORWARD=ID=HOST:PORT
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(3)
	}
}

func main() {
	if len(os.Args) < 3 {
		fatal(fmt.Errorf("usage: peer check PADDOCK DIR [NAME...]"))
	}
	switch os.Args[1] {
	case "agent":
		a := agent{url: os.Args[2], id: os.Args[3], token: os.Args[4]}
		a.run(200 * time.Millisecond)
	case "server":
		v, err := newServer(os.Args[2], nil, nil)
		fatal(err)
		parts := strings.SplitN(os.Args[3], "=", 3)
		l, err := v.forward(parts[0], parts[1], parts[2])
		fatal(err)
		fmt.Println("forward", l.Addr())
		fmt.Println("ready", v.url)
		select {}
	case "check":
		os.Exit(check(os.Args[2], os.Args[3], os.Args[4:]))
	}
}
