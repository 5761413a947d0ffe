package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	_ "github.com/sealsql/sealsql/normalize/phone"
)

const phoneBook = head + `tables:
  HERE.contacts:
    columns:
      tel: {type: varchar(40), search: {equality: {normalize: [phone], region: DE, collation: normalized, unique: exact}}}
      desk: {type: varchar(40), search: {equality: {normalize: [phone], region: DE, collation: binary}}}
`

func phones(t *testing.T, f flavour) *pair {
	t.Helper()
	return openKeptWith(t, f, phoneBook, "CREATE TABLE contacts (id int PRIMARY KEY, tel varchar(40) UNIQUE, desk varchar(40))").pair
}

func (p *pair) insert(id int, tel, desk any) error {
	_, err := p.sealed.Exec("INSERT INTO contacts (id, tel, desk) VALUES ("+p.mark(1)+", "+p.mark(2)+", "+p.mark(3)+")", id, tel, desk)
	return err
}

func TestAPhoneNumberIsFoundHoweverItIsWritten(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		p := phones(t, f)
		if err := errors.Join(p.insert(1, "030/12 34 56", "030 123456"), p.insert(2, "+43 1 234567", nil), p.insert(3, nil, "+49 30 123456")); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			where, number string
			want          int
		}{
			{"tel = ", "+49 30 123456", 1},
			{"tel = ", "0043 1 23 45 67", 2},
			{"NOT tel <> ", "(030) 123456", 1},
			{"desk = ", "030 123456", 1}, // lossy: compared as it is written
			{"desk = ", "+49 30 123456", 3},
		} {
			var id, n int
			rows, err := p.sealed.Query("SELECT id FROM contacts WHERE "+c.where+p.mark(1), c.number)
			if err != nil {
				t.Fatalf("%s: %v", c.where, err)
			}
			for rows.Next() {
				n++
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
			}
			if err := rows.Close(); err != nil || n != 1 || id != c.want {
				t.Errorf("%s%s: %d rows, the last %d, want %d; %v", c.where, c.number, n, id, c.want, err)
			}
		}
		if err := p.insert(4, "0049 30 123456", nil); err == nil {
			t.Error("a unique number was stored twice, written in two ways")
		}
		var tel string
		if err := p.sealed.QueryRow("SELECT tel FROM contacts WHERE id = 1").Scan(&tel); err != nil || tel != "030/12 34 56" {
			t.Errorf("the number came back as %q, %v", tel, err)
		}
	})
}

func TestWhatIsNoPhoneNumberIsAnErrorThatDoesNotShowIt(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		p := phones(t, f)
		_, searched := p.sealed.Query("SELECT id FROM contacts WHERE tel = "+p.mark(1), "canary")
		for _, err := range []error{p.insert(1, "canary", nil), searched} {
			var column *sealsql.ColumnError
			var n *sealsql.NormalizeError
			switch {
			case !errors.As(err, &column) || column.Column != "contacts.tel":
				t.Errorf("the error names no column: %v", err)
			case !errors.As(err, &n) || n.Normalizer != "phone" || !errors.Is(err, sealsql.ErrValue):
				t.Errorf("the error names no normalizer: %v", err)
			case strings.Contains(err.Error(), "canary"):
				t.Errorf("the error shows the value: %v", err)
			}
		}
		var n int
		if err := p.sealed.QueryRow("SELECT count(*) FROM contacts").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows were stored, %v", n, err)
		}
	})
}
