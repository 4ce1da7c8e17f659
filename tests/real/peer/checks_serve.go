// `paddock tunnel serve` with the independent agent.
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

const (
	bulk       = 32 << 20
	token      = "s3cret"
	slowReader = 4 * time.Second // before it reads at all
)

type rig struct {
	paddock, dir, target string
	server, client       *tls.Config
}

// A server with one port through agent "a" to the target, and one to where nobody listens.
type served struct {
	*program
	url, ws       string
	port, refused string
	client        *tls.Config
}

func (r *rig) serve(secure bool, more ...string) (*served, error) {
	words := []string{r.paddock, "tunnel", "serve", "-v", "--token", token,
		"--forward", "0=a=" + r.target, "--forward", "0=a=127.0.0.1:1"}
	v := &served{}
	if secure {
		words = append(words, "--tls-cert", filepath.Join(r.dir, "tls.crt"), "--tls-key", filepath.Join(r.dir, "tls.key"))
		v.client = r.client
	}
	listen := "127.0.0.1:0"
	for i := range more {
		if strings.HasPrefix(more[i], "--listen=") {
			listen = ""
		}
	}
	if listen != "" {
		words = append(words, "--listen", listen)
	}
	var err error
	if v.program, err = start("serve", append(words, more...)...); err != nil {
		return nil, err
	}
	if v.port, err = v.expect("forward "); err == nil {
		v.port, _, _ = strings.Cut(v.port, "=")
		if v.refused, err = v.expect("forward "); err == nil {
			v.refused, _, _ = strings.Cut(v.refused, "=")
			v.url, err = v.expect("ready ")
		}
	}
	v.ws = "ws" + strings.TrimPrefix(v.url, "http") + "/connect"
	return v, err
}

func (v *served) agent(tune func(*session)) (*session, error) {
	a := agent{url: v.ws, id: "a", token: token, tls: v.client, tune: tune}
	s, _, err := a.connect()
	if err != nil {
		return nil, err
	}
	go func() { _ = s.serve() }()
	return s, within(20*time.Second, "the session is in the list", func() bool {
		list, _, _ := clients(v.url, token, v.client)
		return len(list) > 0
	})
}

func tcp(address string) dialer {
	return func() (io.ReadWriteCloser, error) { return net.Dial("tcp", address) }
}

func (r *rig) serveTraffic(secure bool) error {
	v, err := r.serve(secure)
	if err != nil {
		return err
	}
	s, err := v.agent(nil)
	if err != nil {
		return err
	}
	if err := bulkBothWays(tcp(v.port), bulk); err != nil {
		return err
	}
	if err := manyEchoes(tcp(v.port), 1000, 20); err != nil {
		return fmt.Errorf("short connections: %w", err)
	}
	list, _, err := clients(v.url, token, v.client)
	if err != nil || len(list) != 1 || list[0].Key != "a" || list[0].BytesIn < bulk || list[0].BytesOut < bulk ||
		!strings.HasPrefix(list[0].RemoteAddress, "127.0.0.1:") {
		return fmt.Errorf("the list of clients: %+v %v", list, err)
	}
	if secure {
		return v.end(syscall.SIGTERM)
	}
	// A tunnel has no half-close: what a client has left stays until nothing has come for a while.
	if err := within(20*time.Second, "no connection is left", func() bool {
		list, _, _ := clients(v.url, token, v.client)
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(list) == 1 && list[0].OpenConnections == 0 && len(s.conns) == 0
	}); err != nil {
		return err
	}
	return v.end(syscall.SIGTERM)
}

func (r *rig) serveRefusals() error {
	v, err := r.serve(false)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		a      agent
		status int
		body   string
	}{
		{agent{id: "a"}, 401, "failed authentication"},
		{agent{id: "a", token: "wrong"}, 401, "failed authentication"},
		{agent{token: token}, 400, "X-Tunnel-ID"},
		{agent{id: "a/b", token: token}, 400, "X-Tunnel-ID"},
	} {
		one.a.url = v.ws
		_, answer, err := one.a.connect()
		if err == nil || answer == nil || answer.StatusCode != one.status {
			return fmt.Errorf("%+v was not refused with %d", one.a, one.status)
		}
		body, _ := io.ReadAll(answer.Body)
		if !strings.Contains(string(body), one.body) {
			return fmt.Errorf("%+v was refused with %q", one.a, body)
		}
	}
	if _, status, _ := clients(v.url, "", nil); status != 401 {
		return fmt.Errorf("the list of clients without a token: %d", status)
	}
	if err := dialEndsWithout(v.port, 10*time.Second); err != nil {
		return fmt.Errorf("without an agent: %w", err)
	}
	s, err := v.agent(nil)
	if err != nil {
		return err
	}
	if err := dialEndsWithout(v.refused, 10*time.Second); err != nil {
		return fmt.Errorf("a target that refuses: %w", err)
	}
	// What a server is told that it should not be told.
	for _, m := range []message{{99, typeData, []byte("x")}, {7, typeConnect, []byte("tcp/127.0.0.1:1")}, {0, 42, nil}} {
		if err := s.send(m); err != nil {
			return err
		}
	}
	if err := within(10*time.Second, "both are answered with an Error", func() bool {
		text, _ := s.seen.lastError.Load().(string)
		return atomic.LoadInt64(&s.seen.errors) >= 2 && text == "connect not allowed"
	}); err != nil {
		return err
	}
	if err := echo(must(net.Dial("tcp", v.port)), "still there"); err != nil {
		return fmt.Errorf("after refusals: %w", err)
	}
	s.writing.Lock()
	_ = s.ws.WriteMessage(websocket.TextMessage, []byte("text"))
	s.writing.Unlock()
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		return errors.New("a text message does not end the session")
	}
	return v.end(syscall.SIGTERM)
}

func must(c net.Conn, err error) net.Conn {
	fatal(err)
	return c
}

// One reader sleeps: its sender is paused, memory stays, others go on. Then the same the other way.
func (r *rig) serveSlow() error {
	v, err := r.serve(false)
	if err != nil {
		return err
	}
	s, err := v.agent(nil)
	if err != nil {
		return err
	}
	before := v.residentMiB()
	done := make(chan error, 1)
	go func() { done <- download(must(net.Dial("tcp", v.port)), bulk, slowReader) }()
	time.Sleep(time.Second)
	from := time.Now()
	if err := manyEchoes(tcp(v.port), 50, 5); err != nil {
		return err
	}
	if took := time.Since(from); took > slowReader-time.Second {
		return fmt.Errorf("50 echoes beside a slow reader took %s", took)
	}
	if grown := v.residentMiB() - before; grown > 24 {
		return fmt.Errorf("a slow reader costs %d MiB", grown)
	}
	if err := <-done; err != nil {
		return fmt.Errorf("down: %w", err)
	}
	if atomic.LoadInt64(&s.seen.pauses) == 0 || atomic.LoadInt64(&s.seen.resumes) == 0 {
		return errors.New("the agent was never told to pause and to resume")
	}
	if err := upload(must(net.Dial("tcp", v.port)), 'S', bulk); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if atomic.LoadInt64(&s.seen.pausesSent) == 0 {
		return errors.New("the agent never had to pause the server")
	}
	if most := atomic.LoadInt64(&s.seen.mostBuffered); most > 16<<20 {
		return fmt.Errorf("the agent had to buffer %d MiB: Pause is not minded", most>>20)
	}
	return v.end(syscall.SIGTERM)
}

// Messages cut as a client may cut them, with pings in between, and lists that lack a connection.
func (r *rig) serveWire() error {
	v, err := r.serve(false)
	if err != nil {
		return err
	}
	var c *conn
	s, err := v.agent(func(s *session) { s.syncEvery = 300 * time.Millisecond })
	if err != nil {
		return err
	}
	near := must(net.Dial("tcp", v.port))
	_, _ = near.Write([]byte("x"))
	if _, err := io.ReadFull(near, make([]byte, 1)); err != nil {
		return err
	}
	s.mu.Lock()
	for _, one := range s.conns {
		c = one
	}
	s.mu.Unlock()
	if c == nil || c.id != 2 {
		return fmt.Errorf("the first connection has not the id 2: %+v", c)
	}
	time.Sleep(700 * time.Millisecond) // two lists have it
	payload := make([]byte, 60000)
	_, _ = (&pattern{}).Read(payload)
	s.writing.Lock()
	w, err := s.ws.NextWriter(websocket.BinaryMessage)
	raw := encode(message{c.id, typeData, payload})
	for err == nil && len(raw) > 0 {
		n := min(len(raw), 5000)
		_, err = w.Write(raw[:n])
		raw = raw[n:]
		if err == nil {
			err = s.ws.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(time.Second))
		}
	}
	if err == nil {
		err = w.Close()
	}
	s.writing.Unlock()
	if err != nil {
		return err
	}
	got := make([]byte, len(payload))
	if _, err := io.ReadFull(near, got); err != nil || string(got) != string(payload) {
		return fmt.Errorf("a message in pieces with pings between: %v", err)
	}
	s.forget(c) // as if the agent had lost it
	if err := within(20*time.Second, "a connection that two lists lack is ended", func() bool {
		list, _, _ := clients(v.url, token, nil)
		return len(list) == 1 && list[0].OpenConnections == 0
	}); err != nil {
		return err
	}
	near.Close()
	return v.end(syscall.SIGTERM)
}

// Of the version before Pause, and with the shorter Connect.
func (r *rig) serveOld() error {
	v, err := r.serve(false)
	if err != nil {
		return err
	}
	if _, err := v.agent(func(s *session) { s.noPause = true; s.connectMax = 100; s.syncEvery = time.Hour }); err != nil {
		return err
	}
	if err := bulkBothWays(tcp(v.port), bulk/4); err != nil {
		return err
	}
	if err := manyEchoes(tcp(v.port), 100, 10); err != nil {
		return err
	}
	return v.end(syscall.SIGTERM)
}

func (r *rig) peerAgent(v *served) (*program, error) {
	p, err := start("peer-agent", os.Args[0], "agent", v.ws, "a", token)
	if err != nil {
		return nil, err
	}
	return p, r.passes(v, 20*time.Second)
}

func (r *rig) passes(v *served, limit time.Duration) error {
	return within(limit, "an echo goes through", func() bool {
		c, err := net.Dial("tcp", v.port)
		return err == nil && c.SetDeadline(time.Now().Add(2*time.Second)) == nil && echo(c, "xhello") == nil
	})
}

// kill -9 of the agent, of the server; an agent that stands still while another comes.
func (r *rig) serveKill() error {
	v, err := r.serve(false)
	if err != nil {
		return err
	}
	p, err := r.peerAgent(v)
	if err != nil {
		return err
	}
	open := must(net.Dial("tcp", v.port))
	_, _ = open.Write([]byte("x"))
	_, _ = io.ReadFull(open, make([]byte, 1))
	_ = p.end(syscall.SIGKILL)
	if err := endsWithout(open, 10*time.Second); err != nil {
		return fmt.Errorf("a connection through a killed agent: %w", err)
	}
	if p, err = r.peerAgent(v); err != nil {
		return fmt.Errorf("after the agent's kill: %w", err)
	}
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	second, err := r.peerAgent(v)
	if err != nil {
		return fmt.Errorf("beside an agent that stands still: %w", err)
	}
	_ = p.end(syscall.SIGKILL)
	_ = v.end(syscall.SIGKILL)
	again, err := r.serve(false, "--listen="+strings.TrimPrefix(v.url, "http://"))
	if err != nil {
		return err
	}
	if err := r.passes(again, 20*time.Second); err != nil {
		return fmt.Errorf("after the server's kill: %w", err)
	}
	_ = second.end(syscall.SIGKILL)
	return again.end(syscall.SIGTERM)
}
