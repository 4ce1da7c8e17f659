// `paddock doctor` on good ways and bad ones.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A command line, and what is said.
type way struct {
	words string
	code  int
	says  []string
}

// Every way that ends behind a manager's port: the checks of TLS, of the CA and of what is at the door.
func (r *rig) managers(ca string) ([]way, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	ways := []way{}
	for _, one := range []struct {
		door   string
		secure bool
		more   string
		code   int
		says   []string
	}{
		{doorEchoes, false, "", 0, []string{"ok    HTTP", "/v3/connect upgraded", "a stream went there and back"}},
		{doorEchoes, false, " --color=always", 0, []string{"\033[32mok  \033[0m  tunnel"}},
		{doorEchoes, false, " --format json", 0, []string{`"step":"tunnel"`}},
		{doorEchoes, true, " --ca-checksum " + checksum(string(pem)), 0,
			[]string{"ok    CA", "ok    TLS", "ok    tunnel"}},
		{doorEchoes, true, " --ca-checksum " + checksum("another"), 1,
			[]string{"FAIL  CA", "of another manager or of an older CA", "FAIL  TLS", "the token was not shown"}},
		{doorOtherCerts, true, " --ca-checksum " + checksum(string(pem)), 1, []string{"FAIL  CA", "a login page"}},
		{doorNoPing, false, "", 1, []string{"FAIL  HTTP", "status 404", "in the manager's place"}},
		{doorNoUpgrade, false, "", 1, []string{"FAIL  WebSocket", "answered with 200", "let the proxy pass WebSockets"}},
		{doorUnknown, false, "", 1, []string{"FAIL  WebSocket", "does not know this token"}},
		{doorOld, false, "", 0, []string{"ok    WebSocket", "knows the token"}},
		{doorBusy, false, "", 1, []string{"FAIL  WebSocket", "starting or busy"}},
		{doorForbidden, false, "", 1, []string{"FAIL  WebSocket", "the token is wrong"}},
		{doorRefuses, false, "", 1, []string{"FAIL  tunnel", "connect not allowed", "no stream lives in it"}},
		{doorEnds, false, "", 1, []string{"FAIL  tunnel", "the server ended the stream"}},
		{doorHangsUp, false, "", 1, []string{"ok    WebSocket", "FAIL  tunnel", "no stream lives in it"}},
		{doorSilent, false, "", 1, []string{"FAIL  tunnel", "nothing came back within 5 s"}},
	} {
		m := &manager{door: one.door, pem: string(pem)}
		config := r.server
		if !one.secure {
			config = nil
		}
		url, err := m.start(config)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way{url + " --token " + token + one.more, one.code, one.says})
	}
	return ways, nil
}

// All at once: some wait for an answer that does not come.
func (r *rig) visit(ways []way) error {
	ends := make(chan error, len(ways))
	for _, one := range ways {
		go func(one way) { ends <- r.visitOne(one) }(one)
	}
	var first error
	for range ways {
		if err := <-ends; err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (r *rig) visitOne(one way) error {
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
	return nil
}

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
	ways := []way{
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
	}
	more, err := r.managers(ca)
	if err != nil {
		return err
	}
	if err := r.visit(append(ways, more...)); err != nil {
		return err
	}
	if err := plain.end(syscall.SIGTERM); err != nil {
		return err
	}
	return secure.end(syscall.SIGTERM)
}
