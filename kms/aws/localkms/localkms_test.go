package localkms

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sealsql/sealsql/internal/freeport"
	"github.com/sealsql/sealsql/kms/aws/internal/contract"
)

const (
	region  = "us-west-2"
	account = "111122223333"
)

// start builds local-kms and runs it until the test ends. It listens on every
// interface, which it cannot be told not to.
func start(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "local-kms")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/nsmithuk/local-kms").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	free, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free)
	c := exec.Command(program)
	var log bytes.Buffer // complete when ended is closed
	c.Stdout, c.Stderr = &log, &log
	c.Env = append(os.Environ(), "PORT="+port, "KMS_ACCOUNT_ID="+account, "KMS_REGION="+region,
		"KMS_DATA_PATH="+dir, "KMS_SEED_PATH="+filepath.Join(dir, "absent.yaml"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Wait() }()
	stop := func() {
		_ = c.Process.Kill()
		<-ended
	}
	t.Cleanup(func() {
		select {
		case <-ended:
			t.Errorf("local-kms ended while it was needed:\n%s", strings.TrimSpace(log.String()))
		default:
			stop()
		}
	})
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			conn.Close()
			return "http://127.0.0.1:" + port
		}
		select {
		case <-ended:
			t.FailNow() // the cleanup says why
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("local-kms does not answer")
	return ""
}

func TestLocalKMSMeetsTheContract(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	endpoint := start(t)
	client := kms.New(kms.Options{
		Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "test", ""),
	})
	newKey := func() (id, arn string) {
		out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.KeyMetadata.KeyId), aws.ToString(out.KeyMetadata.Arn)
	}
	key, arn := newKey()
	other, _ := newKey()
	disabled, _ := newKey()
	if _, err := client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &disabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/orders"), TargetKeyId: &key}); err != nil {
		t.Fatal(err)
	}
	contract.Test(t, contract.Place{
		Region: region, Endpoint: endpoint, Key: key, ARN: arn, Alias: "alias/orders", Other: other, Disabled: disabled,
	})
}
