package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const logged = "\x1b[32m[0.5ms] \x1b[0m\x1b[34;1m[rows:0]\x1b[0m CREATE TABLE \"users\" (\"id\" bigserial,\"name\" text,\"email\" varchar(100) NOT NULL,\"tags\" text[],\"note\" text DEFAULT 'a,(b',PRIMARY KEY (\"id\"),CONSTRAINT \"uni_users_email\" UNIQUE (\"email\"))\n" +
	"[0.1ms] CREATE TABLE \"users\" (\"id\" bigserial,\"name\" text,\"email\" varchar(50) NOT NULL,\"note\" text)\n" +
	"[0.1ms] ALTER TABLE \"users\" ADD \"nick\" text\n" +
	"[0.1ms] ALTER TABLE users ADD CONSTRAINT u UNIQUE (note, age)\n" +
	"[0.1ms] ALTER TABLE \"users\" ADD CONSTRAINT \"fk\" FOREIGN KEY (\"x\") REFERENCES \"y\"(\"z\")\n" +
	"[0.1ms] CREATE UNIQUE INDEX IF NOT EXISTS \"idx\" ON \"users\" (\"nick\")\n" +
	"[0.1ms] CREATE TABLE `languages__temp`  (`code` varchar(191),`name` longtext,PRIMARY KEY (`code`))\n" +
	"[0.1ms] CREATE TABLE `languages` (`code` varchar(191),`name` longtext,`size` varchar(9))\n" +
	"[0.1ms] CREATE TABLE `languages__temp` (`code` varchar(191),`name` bigint,`size` varchar(9),`later` text)\n" +
	"[0.1ms] CREATE TABLE `languages` (`code` varchar(191),`name` longtext,`size` bigint)\n" +
	"[0.1ms] CREATE TABLE \"users_only_ids\" (\"id\" bigserial)\n" +
	"[0.1ms] CREATE TABLE `jobs` (`state` varchar(9) NOT NULL DEFAULT 'it''s',`kind` text DEFAULT 'a',`odd` text DEFAULT 'a',`when` text DEFAULT now())\n" +
	"[0.1ms] CREATE TABLE `jobs` (`state` varchar(9) DEFAULT 'it''s' NOT NULL,`kind` text DEFAULT 'b',`odd` text,`when` text DEFAULT now())\n"

func TestDefinitionsBecomeAConfiguration(t *testing.T) {
	e, err := engineOf("mysql")
	if err != nil {
		t.Fatal(err)
	}
	got := configuration(e, readTables(logged))
	for _, want := range []string{
		"  gorm_yardstick_sealed.languages:\n",
		`      "code": {type: "varchar(191)", search: {equality: {group: strings, collation: ci_ai, unique: exact}}}` + "\n",
		`      "name": {type: "longtext", search: {equality: {group: strings, collation: ci_ai}}}` + "\n",
		`      "later": {type: "text", search: {equality: {group: strings, collation: ci_ai}}}` + "\n",
		`      "email": {type: "varchar(100)", search: {equality: {group: strings, collation: ci_ai, unique: exact}}}` + "\n",
		`      "nick": {type: "text", search: {equality: {group: strings, collation: ci_ai, unique: exact}}}` + "\n",
		`      "note": {type: "text", search: {equality: {group: strings, collation: ci_ai, unique: exact}}}` + "\n", // text first
		`      "state": {type: "varchar(9)", search: {equality: {group: strings, collation: ci_ai}}, default: "it's"}` + "\n",
		`      "kind": {type: "text", search: {equality: {group: strings, collation: ci_ai}}}` + "\n",
		`      "odd": {type: "text", search: {equality: {group: strings, collation: ci_ai}}}` + "\n",
		`      "when": {type: "text", search: {equality: {group: strings, collation: ci_ai}}}` + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, never := range []string{"tags", "age", "size", "id", "users_only_ids", "__temp"} {
		if strings.Contains(got, `"`+never+`"`) || strings.Contains(got, "."+never+":") {
			t.Errorf("%s in\n%s", never, got)
		}
	}
}

func TestColumnThatOneDefinitionLacksIsLeftOut(t *testing.T) {
	tables := readTables("CREATE TABLE `t` (`a` text,`b` text)\nCREATE TABLE `t` (`a` text)\n")
	if len(tables) != 1 || len(tables[0].encrypted()) != 1 || tables[0].encrypted()[0].name != "a" || len(tables[0].leftOut()) != 1 {
		t.Errorf("%+v", tables)
	}
}

func TestResultsOfARunThatCrashed(t *testing.T) {
	o := &outcome{results: map[string]string{}, output: map[string]string{}}
	if o.read("=== RUN   TestA\n=== RUN   TestA/sub\n--- PASS: TestA (0.00s)\n=== RUN   TestB\nsealsql: refused: ordering by an encrypted column (t.c) at byte 9; order by a clear one\npanic: x\n") {
		t.Error("a crash counts as an end")
	}
	if o.results["TestA"] != "PASS" || o.results["TestB"] != "CRASH" || len(o.results) != 2 {
		t.Errorf("%v", o.results)
	}
	if got := refusalIn(o.output["TestB"]); got != "sealsql: refused: ordering by an encrypted column (t.c) at byte 9" {
		t.Error(got)
	}
	if !o.read("=== RUN   TestC\n    a_test.go:7: wrong\n--- FAIL: TestC (0.00s)\nFAIL\n") || o.results["TestC"] != "FAIL" || len(o.done()) != 3 {
		t.Errorf("%v", o.results)
	}
	if got := firstFailure(o.output["TestC"]); got != "a_test.go:7: wrong" {
		t.Error(got)
	}
}

func TestShareCountsWhatPassesPlainly(t *testing.T) {
	plain := &outcome{results: map[string]string{"TestA": "PASS", "TestB": "PASS", "TestC": "FAIL"}}
	sealed := &outcome{results: map[string]string{"TestA": "PASS", "TestB": "FAIL", "TestC": "FAIL"}, output: map[string]string{"TestB": "sealsql: refused: x; y\n"}}
	out := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !report(f, "x", plain, sealed, nil, 50) || report(f, "x", plain, sealed, nil, 51) {
		t.Error("half of the tests pass")
	}
	sealed.output["TestB"] = "    b_test.go:1: other\n"
	if report(f, "x", plain, sealed, nil, 50) {
		t.Error("a difference is no refusal")
	}
	plain.results["TestDuplicateMany2ManyAssociation"], sealed.results["TestDuplicateMany2ManyAssociation"] = "PASS", "FAIL"
	sealed.results["TestB"] = "PASS"
	if !report(f, "x", plain, sealed, nil, 50) {
		t.Error("an order that nobody asked for is a difference")
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "x: 3 test functions, 2 pass plainly, 1 of these encrypted: 50.0 %") || !strings.Contains(string(text), "DIFFERENT: b_test.go:1: other") {
		t.Errorf("%s %v", text, err)
	}
}

func TestCheckoutWithoutTestsIsRefused(t *testing.T) {
	if _, err := yardstick(options{src: t.TempDir(), root: "."}, nil); err == nil {
		t.Error("a folder without tests was taken")
	}
	if _, err := engineOf("oracle"); err == nil {
		t.Error("an engine that there is not")
	}
}
