// Managers as a doctor may find them: each does one thing in its own way.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// What is at /v3/connect.
const (
	doorEchoes     = "echoes" // what a probe sends
	doorRefuses    = "refuses the stream"
	doorEnds       = "ends the stream"
	doorHangsUp    = "ends the WebSocket"
	doorSilent     = "says nothing"
	doorNoUpgrade  = "a page"
	doorUnknown    = "cluster not found"
	doorOld        = "neither node nor cluster"
	doorBusy       = "busy"
	doorForbidden  = "forbidden"
	doorNoPing     = "a door whose /ping is a login page"
	doorOtherCerts = "a door whose CA is no certificate"
)

type manager struct {
	door string
	pem  string // its CA
}

func (m *manager) answer(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func (m *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ping" && m.door != doorNoPing:
		fmt.Fprint(w, "pong")
	case r.URL.Path == "/v3/settings/cacerts":
		value := m.pem
		if m.door == doorOtherCerts {
			value = "please log in"
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"value": value})
	case r.URL.Path == "/v3/connect":
		m.connect(w, r)
	default:
		m.answer(w, http.StatusNotFound, "nothing here")
	}
}

func (m *manager) connect(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-API-Tunnel-Token") != token || r.Header.Get("X-Tunnel-Probe") == "" {
		m.answer(w, http.StatusUnauthorized, "failed authentication")
		return
	}
	switch m.door {
	case doorNoUpgrade:
		fmt.Fprint(w, "<html>welcome</html>")
		return
	case doorUnknown:
		m.answer(w, http.StatusBadRequest, "cluster not found")
		return
	case doorOld:
		m.answer(w, http.StatusBadRequest, "neither node nor cluster is given")
		return
	case doorBusy:
		m.answer(w, http.StatusServiceUnavailable, "busy")
		return
	case doorForbidden:
		m.answer(w, http.StatusForbidden, "no")
		return
	}
	upgrader := websocket.Upgrader{}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	m.talk(ws)
}

// A session from the far end, as far as a probe needs it.
func (m *manager) talk(ws *websocket.Conn) {
	send := func(one message) { _ = ws.WriteMessage(websocket.BinaryMessage, encode(one)) }
	for m.door != doorHangsUp {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			return
		}
		one, err := decode(raw)
		if err != nil {
			return
		}
		switch {
		case m.door == doorRefuses && one.kind == typeConnect:
			send(message{conn: one.conn, kind: typeError, payload: []byte("connect not allowed")})
		case m.door == doorEnds && one.kind == typeConnect:
			send(message{conn: one.conn, kind: typeError, payload: []byte("EOF")})
		case m.door == doorEchoes && one.kind == typeData:
			send(message{conn: one.conn, kind: typeData, payload: one.payload})
		}
	}
}

// Its URL; it ends with the process.
func (m *manager) start(config *tls.Config) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	scheme := "http://"
	if config != nil {
		scheme = "https://"
		config = config.Clone()
		config.NextProtos = nil // HTTP/1.1
		l = tls.NewListener(l, config)
	}
	go func() { _ = http.Serve(l, m) }()
	return scheme + l.Addr().String(), nil
}

func checksum(pem string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(pem)))
}
