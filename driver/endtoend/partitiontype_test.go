package endtoend_test

import (
	"errors"
	"testing"

	"github.com/sealsql/sealsql"
)

// TestPartitionColumnsThatStoreAnotherTextAreAnErrorOfTheSetup: MySQL stores 'AA' as 'aa' in
// an ENUM, and 'ab' with zero bytes behind it in a BINARY; what was sealed for the text that
// was given opened for nobody.
func TestPartitionColumnsThatStoreAnotherTextAreAnErrorOfTheSetup(t *testing.T) {
	for _, typ := range []string{"enum('aa','bb')", "set('aa','bb')", "binary(8)"} {
		p := mysqlFlavour().open(t, head+`metastore: memory
guards: off
tables:
  HERE.docs:
    partition: {column: tenant, type: text}
    columns: {body: {type: varchar(40)}}
`)
		if _, err := p.stored(t).Exec("CREATE TABLE docs (id int PRIMARY KEY, tenant " + typ + ", body varbinary(200))"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.reopen(t).Exec("INSERT INTO docs VALUES (1, 'AA', 'x')"); !errors.Is(err, sealsql.ErrSetup) {
			t.Errorf("%s: got %v, want an error of the setup", typ, err)
		}
	}
}
