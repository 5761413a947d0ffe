package memscan

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

const childEnv = "SEALSQL_TEST_MEMSCAN_CHILD"

// The positive control of every test that scans: what is there is found.
func TestEveryFormOfAPlantedKeyIsFound(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		plant(t)
		return
	}
	planted, absent := make([]byte, 32), make([]byte, 32)
	_, _ = rand.Read(planted)
	_, _ = rand.Read(absent)
	pid, release := child(t, planted)
	defer release()
	report, err := Scan(pid, append(Needles("planted", planted), Needles("absent", absent)...))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range report.Hits {
		if h.Key != "planted" {
			t.Errorf("%v: the child never had this key", h)
		}
		found[h.Form] = true
	}
	// Of words that stand in either order, one must be found.
	order := regexp.MustCompile(`, words swapped$`)
	for _, n := range Needles("planted", planted) {
		if form := order.ReplaceAllString(n.Form, ""); !found[form] && !found[form+", words swapped"] {
			t.Errorf("%s was not found", form)
		}
	}
	t.Logf("%d hits in %d MiB, %d regions skipped", len(report.Hits), report.Bytes>>20, len(report.Skipped))
}

// child starts this test binary with the key on its standard input and waits
// until it stands.
func child(t *testing.T, key []byte) (pid int, release func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(key); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd.Process.Pid, func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
}

// plant leaves a key in all the ways that programs do.
func plant(t *testing.T) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(os.Stdin, key); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(key)
	sum := mac.Sum(nil)
	mac.Reset() // keeps the states after both blocks from here on
	inner, outer := bytes.Repeat([]byte{0x36}, 64), bytes.Repeat([]byte{0x5c}, 64)
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	var texts []string
	for shift := range 3 {
		texts = append(texts,
			base64.StdEncoding.EncodeToString(append(make([]byte, shift), key...)),
			base64.URLEncoding.EncodeToString(append(make([]byte, shift), key...)))
	}
	texts = append(texts, hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)))
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(key)
	runtime.KeepAlive(block)
	runtime.KeepAlive(aead)
	runtime.KeepAlive(mac)
	runtime.KeepAlive(sum)
	runtime.KeepAlive(inner)
	runtime.KeepAlive(outer)
	runtime.KeepAlive(texts)
}

func TestNeedlesThatCrossAChunkAreFoundOnce(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	s := &scan{index: newIndex(Needles("k", key)), report: &Report{}}
	window := make([]byte, 4096)
	copy(window[100:], key)
	copy(window[4096-32:], key)
	s.search(window, 0, 0x1000, Region{})
	again := append(bytes.Clone(window[4096-63:]), key...)
	s.search(again, 63, 0x2000-63, Region{})
	var at []string
	for _, h := range s.report.Hits {
		if h.Form == "first half" {
			at = append(at, fmt.Sprintf("%x", h.At))
		}
	}
	if got := strings.Join(at, " "); got != "1064 1fe0 2000" {
		t.Fatalf("found at %s", got)
	}
}

// FIPS 197 appendix A.3.
func TestScheduleIsThatOfTheStandard(t *testing.T) {
	key, _ := hex.DecodeString("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
	enc, dec := schedule(key)
	if got := hex.EncodeToString(enc[14]); got != "fe4890d1e6188d0b046df344706c631e" {
		t.Errorf("last round key %s", got)
	}
	if got := hex.EncodeToString(enc[2]); got != "9ba354118e6925afa51a8b5f2067fcde" {
		t.Errorf("first computed round key %s", got)
	}
	if len(enc) != 15 || len(dec) != 15 {
		t.Errorf("%d and %d round keys", len(enc), len(dec))
	}
}
