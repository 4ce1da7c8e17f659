// `paddock doctor` on good ways and bad ones.
package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func (r *rig) doctor() error {
	plain, err := r.serve(false)
	if err != nil {
		return err
	}
	secure, err := r.serve(true)
	if err != nil {
		return err
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		return err
	}
	defer mute.Close()
	ca := filepath.Join(r.dir, "tls.crt")
	localhost := strings.Replace(secure.url, "127.0.0.1", "localhost", 1)
	for _, one := range []struct {
		words string
		code  int
		says  []string
	}{
		{plain.url + "/connect --token " + token, 0, []string{"ok    tunnel"}},
		{plain.url + "/connect", 0, []string{"ok    WebSocket", "without --token"}},
		{plain.url + "/connect --token wrong", 1, []string{"FAIL  WebSocket", "the token is wrong"}},
		{plain.url, 1, []string{"ok    HTTP", "FAIL  WebSocket", "404"}},
		{secure.url + "/connect --token " + token + " --ca " + ca, 0, []string{"ok    TLS", "CN=peer", "ok    tunnel"}},
		{secure.url + "/connect --token " + token, 1, []string{"FAIL  TLS", "unknown authority", "ok    HTTP", "the token was not shown"}},
		{localhost + "/connect --ca " + ca, 1, []string{"ok    DNS        localhost is", "FAIL  TLS", "not valid for name"}},
		{strings.Replace(plain.url, "http:", "https:", 1), 1, []string{"FAIL  TLS", "no TLS server"}},
		{"http://127.0.0.1:1", 1, []string{"FAIL  TCP", "nothing listens"}},
		{"http://nowhere.invalid", 1, []string{"FAIL  DNS"}},
		{"http://" + mute.Addr().String(), 1, []string{"ok    TCP", "FAIL  HTTP"}},
		{"ftp://x", 2, nil},
	} {
		command := exec.Command(r.paddock, append([]string{"doctor", "--server"}, strings.Fields(one.words)...)...)
		said, _ := command.Output()
		if code := command.ProcessState.ExitCode(); code != one.code {
			return fmt.Errorf("doctor --server %s: exit status %d\n%s", one.words, code, said)
		}
		for _, text := range one.says {
			if !strings.Contains(string(said), text) {
				return fmt.Errorf("doctor --server %s does not say %q:\n%s", one.words, text, said)
			}
		}
	}
	if err := plain.end(syscall.SIGTERM); err != nil {
		return err
	}
	return secure.end(syscall.SIGTERM)
}
