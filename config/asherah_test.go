package config_test

import (
	"testing"

	"github.com/sealsql/sealsql/config"
)

// Asherah's format has one form. Keys that change the form of compact records
// are refused beside it, wherever they stand: nobody shall believe that his
// values are padded or bound to their row when they are not.
func TestAsherahsFormatTakesNoKeysOfOtherForms(t *testing.T) {
	const top = "version: 1\nservice: s\nproduct: p\nkms: {env: K}\n"
	if _, err := config.Parse("f", []byte(top+"tables: {t: {columns: {a: {format: asherah}}}}\n")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"algorithm: ChaCha20-Poly1305", "data_key: wrapped", "pad: 32", "pad: padme", "compress: 64", "read: [unbound]", "read: [AES-256-GCM-wrapped]",
	} {
		for where, text := range map[string]string{
			"defaults": "defaults: {" + key + "}\ntables: {t: {columns: {a: {format: asherah}}}}\n",
			"table":    "tables: {t: {" + key + ", columns: {a: {format: asherah}}}}\n",
			"column":   "tables: {t: {columns: {a: {format: asherah, " + key + "}}}}\n",
		} {
			if _, err := config.Parse("f", []byte(top+text)); err == nil {
				t.Errorf("%s at %s is accepted", key, where)
			}
		}
	}
	for _, bind := range []string{"", ", bind_row: true"} {
		if _, err := config.Parse("f", []byte(top+"tables: {t: {bind_row: {column: id, type: int64}, columns: {a: {format: asherah"+bind+"}}}}\n")); err == nil {
			t.Error("bind_row is accepted")
		}
	}
}
