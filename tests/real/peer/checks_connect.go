// `paddock tunnel connect` with the independent server.
package main

import (
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
)

func (r *rig) connect(url string, more ...string) (*program, error) {
	words := append([]string{r.paddock, "tunnel", "connect", "-v", "--server", url, "--id", "a"}, more...)
	p, err := start("connect", words...)
	if err != nil {
		return nil, err
	}
	_, err = p.expect("ready ")
	return p, err
}

func through(v *server, id, address string) dialer {
	return func() (io.ReadWriteCloser, error) { return v.dial(id, address) }
}

func (r *rig) connectTraffic(secure bool) error {
	config, more := r.server, []string{"--ca", filepath.Join(r.dir, "tls.crt")}
	if !secure {
		config, more = nil, nil
	}
	v, err := newServer("127.0.0.1:0", config, nil)
	if err != nil {
		return err
	}
	defer v.listener.Close()
	v.token = token
	from := time.Now()
	p, err := r.connect(v.url, append(more, "--token", token)...)
	if err != nil {
		return err
	}
	if err := bulkBothWays(through(v, "a", r.target), bulk); err != nil {
		return err
	}
	if err := manyEchoes(through(v, "a", r.target), 1000, 20); err != nil {
		return fmt.Errorf("short connections: %w", err)
	}
	s := v.session("a")
	if err := within(20*time.Second, "a ping every 5 s", func() bool {
		return atomic.LoadInt64(&s.seen.pings) >= int64(time.Since(from)/time.Second/5) && time.Since(from) > 6*time.Second
	}); err != nil {
		return err
	}
	if !secure {
		if err := r.asClientsSend(v); err != nil {
			return err
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		return err
	}
	return within(10*time.Second, "the session is gone", func() bool { return v.session("a") == nil })
}

// The frames and the request of a client: masked with fresh keys, 4096 bytes at most, nothing offered.
func (r *rig) asClientsSend(v *server) error {
	f := v.sniffed
	f.mu.Lock()
	defer f.mu.Unlock()
	repeated := 0
	for _, n := range f.masks {
		if n > 2 { // of 32 bits: a few meet by chance
			repeated++
		}
	}
	switch {
	case f.unmasked > 0 || f.rsv > 0:
		return fmt.Errorf("%d frames without a mask, %d with reserved bits", f.unmasked, f.rsv)
	case f.longest > 4096 || f.fragmented == 0:
		return fmt.Errorf("the longest frame has %d bytes; %d messages were cut", f.longest, f.fragmented)
	case repeated > 3:
		return errors.New("keys of masks repeat")
	}
	for _, name := range []string{"Sec-Websocket-Extensions", "Sec-Websocket-Protocol"} {
		if v.headers.Get(name) != "" {
			return errors.New("the client offers " + name)
		}
	}
	return nil
}

func lastError(s *session, want string) error {
	return within(20*time.Second, "an Error that says "+want, func() bool {
		text, _ := s.seen.lastError.Load().(string)
		return strings.Contains(text, want)
	})
}

func (r *rig) connectRefusals() error {
	v, err := newServer("127.0.0.1:0", nil, nil)
	if err != nil {
		return err
	}
	defer v.listener.Close()
	p, err := r.connect(v.url, "--allow", r.target, "--allow", "127.0.0.1:1")
	if err != nil {
		return err
	}
	s := v.wait("a")
	for _, one := range []struct{ proto, address, text string }{
		{"tcp", "127.0.0.1:1", "connection refused"},
		{"tcp", "127.0.0.2:80", "connect not allowed"},
		{"unix", "/var/run/docker.sock", "connect not allowed"},
	} {
		c, err := s.dial(one.proto, one.address)
		if err != nil {
			return err
		}
		if err := endsWithout(c, 10*time.Second); err != nil {
			return fmt.Errorf("%s %s: %w", one.proto, one.address, err)
		}
		if err := lastError(s, one.text); err != nil {
			return err
		}
	}
	if err := s.send(message{999, typeData, []byte("x")}); err != nil {
		return err
	}
	if err := lastError(s, "connection not found client/0/999"); err != nil {
		return err
	}
	if err := s.send(message{0, 42, nil}); err != nil {
		return err
	}
	c, err := v.dial("a", r.target)
	if err != nil {
		return err
	}
	if err := echo(c, "xstill there"); err != nil {
		return fmt.Errorf("after refusals: %w", err)
	}
	return p.end(syscall.SIGTERM)
}

func (r *rig) connectSlow() error {
	v, err := newServer("127.0.0.1:0", nil, nil)
	if err != nil {
		return err
	}
	defer v.listener.Close()
	p, err := r.connect(v.url)
	if err != nil {
		return err
	}
	s := v.wait("a")
	before := p.residentMiB()
	c, err := v.dial("a", r.target)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- download(c, bulk, 2*time.Second) }()
	time.Sleep(time.Second)
	if err := manyEchoes(through(v, "a", r.target), 50, 5); err != nil {
		return err
	}
	if grown := p.residentMiB() - before; grown > 24 {
		return fmt.Errorf("a slow reader costs the agent %d MiB", grown)
	}
	if err := <-done; err != nil {
		return fmt.Errorf("down: %w", err)
	}
	if most := atomic.LoadInt64(&s.seen.mostBuffered); most > 16<<20 || atomic.LoadInt64(&s.seen.pausesSent) == 0 {
		return fmt.Errorf("%d MiB were buffered, %d pauses sent: Pause is not minded", most>>20, s.seen.pausesSent)
	}
	if c, err = v.dial("a", r.target); err != nil {
		return err
	}
	if err := upload(c, 'S', bulk); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if atomic.LoadInt64(&s.seen.pauses) == 0 {
		return errors.New("the agent never told the server to pause")
	}
	return p.end(syscall.SIGTERM)
}

func (r *rig) connectCount() error {
	v, err := newServer("127.0.0.1:0", nil, nil)
	if err != nil {
		return err
	}
	defer v.listener.Close()
	p, err := r.connect(v.url, "--count", "300")
	if err != nil {
		return err
	}
	for _, id := range []string{"a-0", "a-17", "a-299"} {
		c, err := v.dial(id, r.target)
		if err != nil {
			return err
		}
		if err := echo(c, "x"+id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	if _, err := v.dial("a-300", r.target); err == nil {
		return errors.New("there is one more than asked for")
	}
	return p.end(syscall.SIGTERM)
}

func (r *rig) peerServer(listen, forward string) (*program, string, string, error) {
	p, err := start("peer-server", os.Args[0], "server", listen, forward+"=a="+r.target)
	if err != nil {
		return nil, "", "", err
	}
	port, err := p.expect("forward ")
	if err != nil {
		return nil, "", "", err
	}
	url, err := p.expect("ready ")
	return p, port, url, err
}

// kill -9 of the server, of the agent; a server that answers nothing any more.
func (r *rig) connectKill() error {
	server, port, url, err := r.peerServer("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		return err
	}
	agent, err := r.connect(url)
	if err != nil {
		return err
	}
	passes := func() bool {
		c, err := net.Dial("tcp", port)
		return err == nil && c.SetDeadline(time.Now().Add(time.Second)) == nil && echo(c, "xhello") == nil
	}
	if err := within(10*time.Second, "an echo at first", passes); err != nil {
		return err
	}
	_ = server.end(syscall.SIGKILL)
	listen := strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/connect")
	if server, port, _, err = r.peerServer(listen, port); err != nil {
		return err
	}
	if err := within(10*time.Second, "an echo after the server's kill", passes); err != nil {
		return err
	}
	_ = agent.end(syscall.SIGKILL)
	if agent, err = r.connect(url); err != nil {
		return err
	}
	if err := within(10*time.Second, "an echo after the agent's kill", passes); err != nil {
		return err
	}
	_ = agent.end(syscall.SIGTERM)
	_ = server.end(syscall.SIGKILL)
	return r.connectMute()
}

// The TCP connection stands, but nothing answers: given up after tunnel.dead_after, and dialled anew.
func (r *rig) connectMute() error {
	var sessions int64
	v, err := newServer("127.0.0.1:0", nil, func(s *session) {
		s.mute = atomic.AddInt64(&sessions, 1) == 1
	})
	if err != nil {
		return err
	}
	defer v.listener.Close()
	p, err := r.connect(v.url, "--policy", "tunnel.ping=300ms", "--policy=tunnel.dead_after=1s")
	if err != nil {
		return err
	}
	if err := within(20*time.Second, "a second session after silence", func() bool {
		s := v.session("a")
		return atomic.LoadInt64(&sessions) == 2 && s != nil && !s.mute
	}); err != nil {
		return err
	}
	return p.end(syscall.SIGTERM)
}
