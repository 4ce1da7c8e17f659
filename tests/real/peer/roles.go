// The two programs that speak the wire: an agent, and a server with ports that lead through it.
package main

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// ---- agent ----

type agent struct {
	url, id, token string
	tls            *tls.Config
	tune           func(*session) // before it serves; may be nil
	allow          func(proto, address string) bool
}

func (a *agent) connect() (*session, *http.Response, error) {
	header := http.Header{}
	if a.id != "" {
		header.Set("X-Tunnel-ID", a.id)
	}
	if a.token != "" {
		header.Set("Authorization", "Bearer "+a.token)
	}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, TLSClientConfig: a.tls}
	ws, response, err := dialer.Dial(a.url, header)
	if err != nil {
		return nil, response, err
	}
	s := newSession(ws, true)
	s.allow = a.allow
	if s.allow == nil {
		s.allow = func(proto, _ string) bool { return proto == "tcp" }
	}
	if a.tune != nil {
		a.tune(s)
	}
	return s, response, nil
}

// For ever: as the original, a pause after each end.
func (a *agent) run(pause time.Duration) {
	for {
		if s, _, err := a.connect(); err == nil {
			_ = s.serve()
		}
		time.Sleep(pause)
	}
}

// ---- server ----

type server struct {
	listener net.Listener
	url      string
	token    string
	tune     func(*session)
	mu       sync.Mutex
	sessions map[string][]*session // the oldest first
	headers  http.Header           // of the last upgrade
	sniffed  *frames
}

func newServer(listen string, config *tls.Config, tune func(*session)) (*server, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	v := &server{tune: tune, sessions: map[string][]*session{}, sniffed: &frames{}}
	v.listener = &sniffer{l, v.sniffed}
	v.url = "ws://" + l.Addr().String() + "/connect"
	if config != nil {
		v.listener = tls.NewListener(l, config)
		v.url = "wss://" + l.Addr().String() + "/connect"
	}
	go func() { _ = http.Serve(v.listener, v) }()
	return v, nil
}

func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Tunnel-ID")
	if r.URL.Path != "/connect" || id == "" ||
		(v.token != "" && r.Header.Get("Authorization") != "Bearer "+v.token) {
		http.Error(w, "failed authentication", http.StatusUnauthorized)
		return
	}
	upgrader := websocket.Upgrader{HandshakeTimeout: 5 * time.Second,
		CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := newSession(ws, false)
	if v.tune != nil {
		v.tune(s)
	}
	v.mu.Lock()
	v.headers = r.Header
	v.sessions[id] = append(v.sessions[id], s)
	v.mu.Unlock()
	_ = s.serve()
	v.mu.Lock()
	list := v.sessions[id]
	for i, one := range list {
		if one == s {
			v.sessions[id] = append(append([]*session{}, list[:i]...), list[i+1:]...)
		}
	}
	v.mu.Unlock()
}

// The client may know of its session a moment before we do.
func (v *server) wait(id string) *session {
	for i := 0; i < 100 && v.session(id) == nil; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	return v.session(id)
}

func (v *server) session(id string) *session {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.sessions[id]) == 0 {
		return nil
	}
	return v.sessions[id][0]
}

func (v *server) dial(id, address string) (*conn, error) {
	s := v.wait(id)
	if s == nil {
		return nil, errors.New("failed to find Session for client " + id)
	}
	return s.dial("tcp", address)
}

// A port on loopback that leads through the agent.
func (v *server) forward(listen, id, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c, err := v.dial(id, address)
				if err != nil {
					near.Close()
					return
				}
				c.end(shovel(c, near))
			}()
		}
	}()
	return l, nil
}

// ---- what frames a client really sends ----

// Of all connections of a listener; read only while nothing comes.
type frames struct {
	mu                                    sync.Mutex
	n, unmasked, rsv, longest, fragmented int
	masks                                 map[[4]byte]int
}

type sniffer struct {
	net.Listener
	frames *frames
}

func (l *sniffer) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &sniffed{Conn: c, to: l.frames}, nil
}

type sniffed struct {
	net.Conn
	to   *frames
	head []byte
	open bool // the request is over
	skip int
}

func (c *sniffed) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.to.mu.Lock()
	c.look(p[:n])
	c.to.mu.Unlock()
	return n, err
}

func (c *sniffed) look(p []byte) {
	for len(p) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(p))
			c.skip -= n
			p = p[n:]
			continue
		}
		c.head = append(c.head, p[0])
		p = p[1:]
		if !c.open {
			if strings.HasSuffix(string(c.head), "\r\n\r\n") {
				c.open = true
				c.head = nil
			}
			continue
		}
		c.frame()
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func (c *sniffed) frame() {
	h := c.head
	if len(h) < 2 {
		return
	}
	need, length := 2, int(h[1]&0x7f)
	if length == 126 {
		need = 4
	} else if length == 127 {
		need = 10
	}
	if h[1]&0x80 != 0 {
		need += 4
	}
	if len(h) < need {
		return
	}
	if length == 126 {
		length = int(h[2])<<8 | int(h[3])
	} else if length == 127 {
		length = int(h[6])<<24 | int(h[7])<<16 | int(h[8])<<8 | int(h[9])
	}
	f := c.to
	f.n++
	if h[1]&0x80 == 0 {
		f.unmasked++
	} else {
		if f.masks == nil {
			f.masks = map[[4]byte]int{}
		}
		var key [4]byte
		copy(key[:], h[need-4:need])
		f.masks[key]++
	}
	if h[0]&0x70 != 0 {
		f.rsv++
	}
	if length > f.longest {
		f.longest = length
	}
	if h[0]&0x8f == 0x02 {
		f.fragmented++
	}
	c.skip = length
	c.head = nil
}
