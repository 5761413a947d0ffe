package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// declaredViews declare what is made below.
const declaredViews = `views:
  contacts: {columns: {id: clear, mail: users.email, note: clear}}
  brief: {columns: {id: clear, mail: users.email}}
  wrong: {columns: {id: clear, mail: clear}}
`

var contactsViews = []string{
	"CREATE VIEW contacts AS SELECT id, email AS mail, note FROM users",
	"CREATE VIEW brief AS SELECT id, email AS mail, ssn FROM users",
	"CREATE VIEW wrong AS SELECT id, email AS mail FROM users",
}

// TestDeclaredViewsWithoutTheCatalog reads views of which only the configuration
// tells what they show.
func TestDeclaredViewsWithoutTheCatalog(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			yaml := strings.Replace(usersConfig, "{max_age: 100ms}", "{read: none, max_age: 100ms}", 1) + declaredViews
			w := e.open(t, yaml, append([]string{usersTable}, contactsViews...)...)
			w.exec("INSERT INTO users (id, ssn, email, note) VALUES (1, ?, ?, 'n')", w.mark, w.mark)
			w.equal(w.value("SELECT mail FROM contacts WHERE note = 'n'"), w.mark)
			w.equal(w.value("SELECT c.mail FROM brief c WHERE c.id = 1"), w.mark)
			w.equal(w.value("SELECT count(mail) FROM contacts"), int64(1))
			w.refused("SELECT * FROM contacts", rewrite.ReasonView)
			w.refused("SELECT ssn FROM brief", rewrite.ReasonView)
			w.refused("SELECT brief.ssn FROM brief", rewrite.ReasonView)
			w.refused("SELECT id FROM brief WHERE ssn = {M}", rewrite.ReasonView)
			w.refused("SELECT (SELECT ssn FROM brief LIMIT 1) FROM users", rewrite.ReasonView)
			w.refused("SELECT id FROM contacts WHERE mail = {M}", rewrite.ReasonPredicate)
			w.refused("INSERT INTO contacts (id, mail) VALUES (2, {M})", rewrite.ReasonView)
			w.refused("UPDATE contacts SET mail = {M} WHERE id = 1", rewrite.ReasonView)
			w.refused("DELETE FROM contacts WHERE mail = {M}", rewrite.ReasonView)
		})
	}
}

// TestDeclarationsAreComparedWithTheCatalog refuses declarations that say
// otherwise than the definition.
func TestDeclarationsAreComparedWithTheCatalog(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.open(t, usersConfig+declaredViews, append([]string{usersTable}, contactsViews...)...)
			w.exec("INSERT INTO users (id, ssn, email, note) VALUES (1, ?, ?, 'n')", w.mark, w.mark)
			w.equal(w.value("SELECT mail FROM contacts WHERE note = 'n'"), w.mark)
			w.equal(w.value("SELECT ssn FROM brief"), w.mark)
			w.refused("SELECT mail FROM wrong", rewrite.ReasonView)
			w.refused("SELECT id FROM wrong WHERE mail = {M}", rewrite.ReasonView)
			w.other("CREATE VIEW outside AS SELECT id, mail FROM wrong")
			outlive(catalogAge)
			w.refused("SELECT id FROM outside WHERE mail = {M}", rewrite.ReasonView)
		})
	}
}

// TestDeclaredViewsForARoleThatCannotReadDefinitions reads as a user of MySQL
// without SHOW VIEW, to whom the catalog shows a view's columns alone.
func TestDeclaredViewsForARoleThatCannotReadDefinitions(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(usersConfig, "metastore: memory", "metastore: {sql: same}", 1) + declaredViews
	w := onMySQL.open(t, yaml, append([]string{
		usersTable,
		"CREATE TABLE encryption_key (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, created DATETIME, key_record JSON, PRIMARY KEY (id, created))",
	}, contactsViews...)...)
	w.exec("INSERT INTO users (id, ssn, email, note) VALUES (1, ?, ?, 'n')", w.mark, w.mark)
	user := "u" + w.mark[len(w.mark)-12:]
	w.other("CREATE USER " + user + " IDENTIFIED BY 'x'")
	t.Cleanup(func() { w.plain.Exec("DROP USER " + user) })
	for _, r := range []string{"contacts", "brief", "encryption_key"} {
		w.other("GRANT SELECT ON " + r + " TO " + user)
	}
	w.other("GRANT INSERT ON encryption_key TO " + user)
	_, address, _ := strings.Cut(w.dsn, "@")
	w.dsn = user + ":x@" + address
	w.db.Close()
	w.db = w.wrapped()
	t.Cleanup(func() { w.db.Close() })
	w.equal(w.value("SELECT mail FROM contacts WHERE note = 'n'"), w.mark)
	w.equal(w.value("SELECT x.mail FROM (SELECT * FROM contacts) x"), w.mark)
	w.equal(w.value("SELECT mail FROM brief"), w.mark)
	w.refused("SELECT * FROM brief", rewrite.ReasonView)
	w.refused("SELECT id FROM brief WHERE ssn = {M}", rewrite.ReasonView)
	w.refused("UPDATE contacts SET mail = {M}", rewrite.ReasonView)
}
