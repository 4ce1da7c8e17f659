// The reverse tunnel's messages and sessions, written from the description of the wire alone: nothing here comes from the
// engine under test, so that what both agree on is the wire. Either side of a session.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	typeData = 1 + iota
	typeConnect
	typeError
	typeAddClient
	typeRemoveClient
	typePause
	typeResume
	typeSync
)

const (
	bufferMark   = 2 << 20
	bufferLow    = bufferMark / 8
	readDeadline = 60 * time.Second
	textLimit    = 100 // of an Error that is read
)

var messageID = rand.New(rand.NewSource(time.Now().UnixNano())).Int63()

type message struct {
	conn    int64
	kind    int64
	payload []byte
}

func encode(m message) []byte {
	head := make([]byte, 0, 40)
	put := func(v int64) {
		var b [binary.MaxVarintLen64]byte
		head = append(head, b[:binary.PutVarint(b[:], v)]...)
	}
	put(atomic.AddInt64(&messageID, 1))
	put(m.conn)
	put(m.kind)
	if m.kind == typeData || m.kind == typeConnect {
		put(15000)
	}
	return append(head, m.payload...)
}

func decode(raw []byte) (message, error) {
	r := bytes.NewReader(raw)
	var v [4]int64
	n := 3
	for i := 0; i < n; i++ {
		var err error
		if v[i], err = binary.ReadVarint(r); err != nil {
			return message{}, err
		}
		if i == 2 && (v[2] == typeData || v[2] == typeConnect) {
			n = 4
		}
	}
	rest := raw[len(raw)-r.Len():]
	return message{conn: v[1], kind: v[2], payload: rest}, nil
}

// What a session has seen, for the checks.
type counts struct {
	pings, pauses, resumes, syncs, errors, pausesSent, unknown int64
	mostBuffered                                               int64
	lastError                                                  atomic.Value
}

type session struct {
	ws         *websocket.Conn
	client     bool // we dialled the WebSocket
	noPause    bool // versions before Pause and Resume
	connectMax int  // bytes of a Connect that are read
	syncEvery  time.Duration
	pingEvery  time.Duration
	mute       bool // answers no ping
	allow      func(proto, address string) bool
	writing    sync.Mutex
	mu         sync.Mutex
	conns      map[int64]*conn
	next       int64
	ended      chan struct{}
	seen       counts
}

type conn struct {
	s          *session
	id         int64
	mu         sync.Mutex
	cond       *sync.Cond
	in         bytes.Buffer
	err        error // of the far side, or ours
	pauseSent  bool
	peerPaused bool
}

func newSession(ws *websocket.Conn, client bool) *session {
	s := &session{ws: ws, client: client, conns: map[int64]*conn{}, ended: make(chan struct{}),
		connectMax: 266, syncEvery: 60 * time.Second, pingEvery: 5 * time.Second}
	if !client {
		s.next = 1
	}
	return s
}

func (s *session) send(m message) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.ws.WriteMessage(websocket.BinaryMessage, encode(m))
}

func (s *session) find(id int64) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[id]
}

func (s *session) add(id int64) *conn {
	c := &conn{s: s, id: id}
	c.cond = sync.NewCond(&c.mu)
	s.mu.Lock()
	s.conns[id] = c
	s.mu.Unlock()
	return c
}

// True: it was there.
func (s *session) forget(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c.id] != c {
		return false
	}
	delete(s.conns, c.id)
	return true
}

func (s *session) dial(proto, address string) (*conn, error) {
	s.mu.Lock()
	s.next++
	id := s.next
	s.mu.Unlock()
	c := s.add(id)
	if err := s.send(message{id, typeConnect, []byte(proto + "/" + address)}); err != nil {
		s.forget(c)
		return nil, err
	}
	return c, nil
}

func (s *session) syncConnections() error {
	s.mu.Lock()
	ids := make([]int64, 0, len(s.conns))
	for id := range s.conns {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	payload := make([]byte, 8*len(ids))
	for i, id := range ids {
		binary.LittleEndian.PutUint64(payload[8*i:], uint64(id))
	}
	return s.send(message{0, typeSync, payload})
}

func (s *session) keepAlive() {
	ping, list := time.NewTicker(s.pingEvery), time.NewTicker(s.syncEvery)
	defer ping.Stop()
	defer list.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ping.C:
			s.writing.Lock()
			_ = s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Minute))
			s.writing.Unlock()
		case <-list.C:
			_ = s.syncConnections()
		}
	}
}

// Until the session ends.
func (s *session) serve() error {
	refresh := func() { _ = s.ws.SetReadDeadline(time.Now().Add(readDeadline)) }
	refresh()
	s.ws.SetPongHandler(func(string) error { refresh(); return nil })
	s.ws.SetPingHandler(func(string) error {
		atomic.AddInt64(&s.seen.pings, 1)
		refresh()
		if s.mute {
			return nil
		}
		s.writing.Lock()
		defer s.writing.Unlock()
		return s.ws.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Minute))
	})
	if s.client {
		go s.keepAlive()
	}
	var err error
	for err == nil {
		var kind int
		var raw []byte
		if kind, raw, err = s.ws.ReadMessage(); err == nil {
			if kind != websocket.BinaryMessage {
				err = errors.New("wrong websocket message type")
			} else {
				err = s.handle(raw)
			}
		}
	}
	close(s.ended)
	s.ws.Close()
	s.mu.Lock()
	all := s.conns
	s.conns = map[int64]*conn{}
	s.mu.Unlock()
	for _, c := range all {
		c.fail(errors.New("tunnel disconnect"))
	}
	return err
}

func (s *session) handle(raw []byte) error {
	m, err := decode(raw)
	if err != nil {
		return err
	}
	c := s.find(m.conn)
	switch m.kind {
	case typeConnect:
		text := m.payload
		if len(text) > s.connectMax {
			text = text[:s.connectMax]
		}
		proto, address, _ := strings.Cut(string(text), "/")
		if s.allow == nil || !s.allow(proto, address) {
			return errors.New("connect not allowed")
		}
		go s.incoming(s.add(m.conn), proto, address)
	case typeData:
		if c == nil {
			return s.send(message{m.conn, typeError,
				[]byte(fmt.Sprintf("connection not found client/0/%d", m.conn))})
		}
		return c.received(m.payload)
	case typeError:
		text := m.payload
		if len(text) > textLimit {
			text = text[:textLimit]
		}
		atomic.AddInt64(&s.seen.errors, 1)
		s.seen.lastError.Store(string(text))
		if c != nil {
			s.forget(c)
			if string(text) == "EOF" {
				c.fail(io.EOF)
			} else {
				c.fail(errors.New(string(text)))
			}
			return s.send(message{m.conn, typeError, text}) // as the original does
		}
	case typePause, typeResume:
		if m.kind == typePause {
			atomic.AddInt64(&s.seen.pauses, 1)
		} else {
			atomic.AddInt64(&s.seen.resumes, 1)
		}
		if c != nil && !s.noPause {
			c.mu.Lock()
			c.peerPaused = m.kind == typePause
			c.cond.Broadcast()
			c.mu.Unlock()
		}
	case typeSync:
		atomic.AddInt64(&s.seen.syncs, 1)
		s.synced(m.payload)
	default:
		atomic.AddInt64(&s.seen.unknown, 1)
	}
	return nil
}

func (s *session) synced(payload []byte) {
	there := map[int64]bool{}
	for ; len(payload) >= 8; payload = payload[8:] {
		there[int64(binary.LittleEndian.Uint64(payload))] = true
	}
	s.mu.Lock()
	var dead []*conn
	for id, c := range s.conns {
		if !there[id] {
			dead = append(dead, c)
			delete(s.conns, id)
		}
	}
	s.mu.Unlock()
	for _, c := range dead {
		c.fail(errors.New("sync from client"))
	}
}

// ---- a logical connection ----

func (c *conn) received(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil
	}
	c.in.Write(b)
	if n := int64(c.in.Len()); n > atomic.LoadInt64(&c.s.seen.mostBuffered) {
		atomic.StoreInt64(&c.s.seen.mostBuffered, n)
	}
	c.cond.Broadcast()
	if c.in.Len() > bufferMark && !c.pauseSent && !c.s.noPause {
		c.pauseSent = true
		atomic.AddInt64(&c.s.seen.pausesSent, 1)
		return c.s.send(message{c.id, typePause, nil})
	}
	return nil
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.cond.Broadcast()
	c.mu.Unlock()
}

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	for c.in.Len() == 0 && c.err == nil {
		c.cond.Wait()
	}
	if c.in.Len() == 0 {
		defer c.mu.Unlock()
		return 0, c.err
	}
	n, _ := c.in.Read(p)
	resume := c.pauseSent && c.in.Len() < bufferLow
	if resume {
		c.pauseSent = false
	}
	c.mu.Unlock()
	if resume {
		return n, c.s.send(message{c.id, typeResume, nil})
	}
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	for c.peerPaused && c.err == nil {
		c.cond.Wait()
	}
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return 0, io.ErrClosedPipe
	}
	if err := c.s.send(message{c.id, typeData, p}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Ends it with that reason; the other side is told when it did not end it itself.
func (c *conn) end(err error) {
	text := "EOF"
	if err != nil && err != io.EOF {
		text = err.Error()
	}
	there := c.s.forget(c)
	c.fail(io.EOF)
	if there {
		_ = c.s.send(message{c.id, typeError, []byte(text)})
	}
}

func (c *conn) Close() error {
	c.end(nil)
	return nil
}

func (s *session) incoming(c *conn, proto, address string) {
	far, err := net.DialTimeout(proto, address, time.Minute)
	if err != nil {
		c.end(err)
		return
	}
	c.end(shovel(c, far))
}

// Both ways until either ends; then both end. The first reason.
func shovel(c *conn, far net.Conn) error {
	done := make(chan error, 2)
	copyOver := func(to io.Writer, from io.Reader) {
		_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 32<<10))
		done <- err
	}
	go copyOver(c, far)
	go func() {
		copyOver(far, c)
	}()
	err := <-done
	far.Close()
	c.fail(io.EOF)
	<-done
	return err
}
