package mysql_test

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/driver/mysql"
)

// Under columnsWithAlias the inner driver names columns otherwise than the statement:
// an error at the start, and none where nothing is encrypted.
func TestColumnsWithAliasIsAnErrorWhereSomethingIsEncrypted(t *testing.T) {
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_TEST_KEY", hex.EncodeToString(key))
	head, _, _ := strings.Cut(yaml, "tables:")
	for content, refused := range map[string]bool{yaml: true, head: false} {
		file := filepath.Join(t.TempDir(), "sealsql.yaml")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := (&mysql.Driver{}).OpenConnector("app@tcp(localhost:1)/app?columnsWithAlias=true&sealsql_config=" + url.QueryEscape(file))
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "columnsWithAlias") {
			t.Errorf("refused: %t, %v", refused, err)
		}
		if closer, ok := c.(interface{ Close() error }); ok && err == nil {
			if err := closer.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
