// What the checks are made of: programs, services behind the tunnel, transfers whose every byte is compared.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ---- programs ----

type program struct {
	cmd   *exec.Cmd
	lines *bufio.Reader
	log   *os.File
}

var logDir string

func start(name string, words ...string) (*program, error) {
	p := &program{cmd: exec.Command(words[0], words[1:]...)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.log, err = os.OpenFile(filepath.Join(logDir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.lines = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// The rest of the next line that begins so.
func (p *program) expect(begins string) (string, error) {
	for {
		line, err := p.lines.ReadString('\n')
		if strings.HasPrefix(line, begins) {
			return strings.TrimSpace(line[len(begins):]), nil
		}
		if err != nil {
			return "", fmt.Errorf("%s ended before it said %q", p.cmd.Args[0], begins)
		}
	}
}

func (p *program) end(sig syscall.Signal) error {
	_ = p.cmd.Process.Signal(sig)
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		return errors.New("did not end on " + sig.String())
	}
}

func (p *program) residentMiB() int {
	var kib int
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for _, line := range strings.Split(string(text), "\n") {
		_, _ = fmt.Sscanf(line, "VmRSS: %d", &kib)
	}
	return kib >> 10
}

// ---- services behind the tunnel ----

// The bytes of a transfer, always the same and never repeating within reach.
type pattern struct{ at uint64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		x := (p.at >> 3) * 0x9e3779b97f4a7c15
		b[i] = byte(x >> (8 * (p.at & 7)))
		p.at++
	}
	return len(b), nil
}

// "D" and a length: so many bytes; "U" and a length, then the bytes: their checksum comes back; "S": the same, read slowly;
// anything else is echoed.
func startTarget() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go target(c)
		}
	}()
	return l.Addr().String(), nil
}

func target(c net.Conn) {
	defer c.Close()
	mode := make([]byte, 1)
	var n uint64
	if _, err := io.ReadFull(c, mode); err != nil {
		return
	}
	if !strings.Contains("DUS", string(mode)) {
		_, _ = c.Write(mode)
		_, _ = io.Copy(c, c)
		return
	}
	if binary.Read(c, binary.LittleEndian, &n) != nil {
		return
	}
	if mode[0] == 'D' {
		_, _ = io.CopyN(c, &pattern{}, int64(n))
	} else {
		sum := sha256.New()
		from := io.Reader(c)
		if mode[0] == 'S' {
			time.Sleep(2 * time.Second)
		}
		_, _ = io.CopyN(sum, from, int64(n))
		_, _ = c.Write(sum.Sum(nil))
	}
	_, _ = io.Copy(io.Discard, c)
}

func order(c io.Writer, mode byte, n int64) error {
	b := make([]byte, 9)
	b[0] = mode
	binary.LittleEndian.PutUint64(b[1:], uint64(n))
	_, err := c.Write(b)
	return err
}

func patternSum(n int64) string {
	sum := sha256.New()
	_, _ = io.CopyN(sum, &pattern{}, n)
	return string(sum.Sum(nil))
}

// nap: slept before the first byte is read.
func download(c io.ReadWriteCloser, n int64, nap time.Duration) error {
	defer c.Close()
	if err := order(c, 'D', n); err != nil {
		return err
	}
	time.Sleep(nap)
	sum := sha256.New()
	got, err := io.CopyN(sum, c, n)
	if err != nil {
		return fmt.Errorf("%d of %d bytes: %w", got, n, err)
	}
	if string(sum.Sum(nil)) != patternSum(n) {
		return errors.New("what came down is not what was sent")
	}
	return nil
}

func upload(c io.ReadWriteCloser, mode byte, n int64) error {
	defer c.Close()
	if err := order(c, mode, n); err != nil {
		return err
	}
	if _, err := io.CopyN(c, &pattern{}, n); err != nil {
		return err
	}
	sum := make([]byte, sha256.Size)
	if _, err := io.ReadFull(c, sum); err != nil {
		return err
	}
	if string(sum) != patternSum(n) {
		return errors.New("what came up is not what was sent")
	}
	return nil
}

func echo(c io.ReadWriteCloser, text string) error {
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%q came back as %q", text, got)
	}
	return nil
}

type dialer func() (io.ReadWriteCloser, error)

// The same connection work however one gets at the far side.
func bulkBothWays(dial dialer, n int64) error {
	c, err := dial()
	if err == nil {
		err = download(c, n, 0)
	}
	if err != nil {
		return fmt.Errorf("down: %w", err)
	}
	if c, err = dial(); err == nil {
		err = upload(c, 'U', n)
	}
	if err != nil {
		return fmt.Errorf("up: %w", err)
	}
	return nil
}

func manyEchoes(dial dialer, n, at int) error {
	work, bad := make(chan int), make(chan error, n)
	for i := 0; i < at; i++ {
		go func() {
			for k := range work {
				c, err := dial()
				if err == nil {
					err = echo(c, fmt.Sprintf("xhello %d", k))
				}
				bad <- err
			}
		}()
	}
	go func() {
		for i := 0; i < n; i++ {
			work <- i
		}
		close(work)
	}()
	for i := 0; i < n; i++ {
		if err := <-bad; err != nil {
			return err
		}
	}
	return nil
}

// Until it holds.
func within(limit time.Duration, what string, holds func() bool) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("not within %s: %s", limit, what)
}

// A connection that does not come to anything: no byte, and an end soon.
func endsWithout(c io.ReadWriteCloser, limit time.Duration) error {
	done := make(chan error, 1)
	go func() {
		n, err := c.Read(make([]byte, 1))
		if n > 0 {
			err = errors.New("a byte came")
		} else {
			err = nil
		}
		done <- err
	}()
	defer c.Close()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return errors.New("it stays open")
	}
}

// The same of a port that ends every connection at once: its reset may come before we hear that we are connected.
func dialEndsWithout(address string, limit time.Duration) error {
	c, err := net.Dial("tcp", address)
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	if err != nil {
		return err
	}
	return endsWithout(c, limit)
}

// ---- certificates and the list of clients ----

func makeCertificate(dir string) (*tls.Config, *tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), certPEM, 0o644); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "tls.key"), keyPEM, 0o600); err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, &tls.Config{RootCAs: pool}, err
}

type client struct {
	Key                                string
	RemoteAddress, ConnectedSince      string
	BytesIn, BytesOut, OpenConnections int64
}

func clients(url, token string, config *tls.Config) ([]client, int, error) {
	request, _ := http.NewRequest("GET", url+"/clients", nil)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	answer, err := c.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	var list struct{ Clients []client }
	if answer.StatusCode == 200 {
		err = json.NewDecoder(answer.Body).Decode(&list)
	}
	return list.Clients, answer.StatusCode, err
}
