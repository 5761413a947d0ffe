package endtoend_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// traps are the ways in which wrappers of database/sql drivers, and those that
// encrypt above all, are known to fail, each with the tests that keep this one
// from it, or why it cannot happen here.
var traps = []struct {
	number int
	trap   string
	tests  string
	cannot string
}{
	{1, "a migrator sees physical types and rewrites ciphertext", "TestAlterTable TestCatalogShowsTheLogicalShape TestReportsShowLogicalTypes", ""},
	{2, "an ORM inlines every value as a literal", "TestInlinedLiterals TestLiteralsAreSealed", ""},
	{3, "a statement passes twice and ciphertext is sealed again", "TestSkippedStatementIsSealedOnceInThePreparedPath TestRetryAfterABadConnectionSealsAfresh TestArgumentsAreSealedIntoAFreshList", ""},
	{4, "raw Go values reach the driver unconverted", "TestEveryTypeComesBackAsFromPlainTables TestErrorsOfValuersStayReachable", ""},
	{5, "options and named arguments shift placeholders", "TestOptionsOfPgxInFrontOfArguments TestParametersOfSQLiteKeepTheirNamesAndNumbers TestAnExecModeGivenWithAStatementDecidesHowItsArgumentsAreRead", ""},
	{6, "the inner driver scans past Next and hands out records", "TestColumnsThatPgxScansItselfAreOpened", ""},
	{7, "Conn.Raw hands out the inner connection unnoticed", "TestRawYieldsOurConnectionAndTheWayPastItIsLogged TestCopyFromStoresSealedRows", ""},
	{8, "opened bytes alias the driver's buffer, or empty becomes NULL", "TestRowsAreOpenedIntoFreshMemory TestEveryTypeComesBackAsFromPlainTables", ""},
	{9, "the Go kind of an opened value is not the plain driver's", "TestEveryTypeComesBackAsFromPlainTables TestWrapFindsOutTheConnectorsSettings", ""},
	{10, "column types are those of the carrier", "TestEveryTypeComesBackAsFromPlainTables TestColumnsThatAreNotNullAreDescribedAsPlain", ""},
	{11, "the server writes a value by itself", "TestDefaultOnAnEncryptedColumnIsReported TestThreats TestFlow", ""},
	{12, "a statement that is not understood goes out in clear", "TestStatements TestThreats TestRoutesToAnnotatedTablesAreRefused", ""},
	{13, "parameter types of PostgreSQL do not fit bytea", "TestEveryExecModeSealsParametersAndLiterals", ""},
	{14, "NumInput counts what the wrapper added", "TestNumInputIsTheCallersCount", ""},
	{15, "errors lose their identity or show values", "TestErrorsOfTheInnerDriverKeepTheirIdentity TestErrorsInABatchAreTheServers TestGuardViolationHidesTheRow", ""},
	{16, "upserts and unique keys compare ciphertext", "TestSearch TestReturningAndUpsertsGoThroughTheDriver TestSupported", ""},
	{17, "RETURNING is not opened", "TestReturningAndUpsertsGoThroughTheDriver TestSupported", ""},
	{18, "SELECT * is mapped by position", "TestStarIsWrittenOutAndStatementsReused TestCatalogIsReadAgainAfterChanges TestOtherNumberOfColumnsThanPlannedIsAnErrorAndReloads", ""},
	{19, "search forms compare ciphertext", "TestFlow TestSearch TestRefusalsAreTyped", ""},
	{20, "an optional interface is lost or invented and pooling changes", "TestInterfacesAreThoseOfThePlainDriver TestConnectionsAreKeptAfterARollbackAsInThePlainDriver TestOptionalInterfacesArePresentWhereTheInnerOnesAre", ""},
	{21, "the caller's context does not reach the database or the key service", "TestContextReachesTheInnerDriver TestACancelledContextEndsTheWaitForAKey", ""},
	{22, "a prepared statement freezes keys, plan or configuration", "TestPreparedStatementFollowsItsPlan TestReloadedConfigurationHoldsForTheNextStatement", ""},
	{23, "libraries do not know the driver's name", "TestSuitesOfOthersPassThroughTheWrapper", ""},
	{24, "several results, CALL, results of MySQL reached by Raw", "TestScriptsAndProceduresOfMySQL", ""},
	{25, "caches are used by several goroutines", "TestManyGoroutinesOnOneHandle TestReloadWhileManyWork TestManyConnectionsWhileTablesAreMadeAndDropped", ""},
	{26, "go-sql-driver waits for ever on MariaDB", "TestExecOfAPreparedStatementWithRowsReturns", ""},
	{27, "a ColumnConverter with NumInput -1 skips all conversion", "", "database/sql asks the converter only for arguments within a count since Go 1.26"},
}

func TestEveryKnownTrapHasItsTest(t *testing.T) {
	names := testNames(t, "../..")
	for i, trap := range traps {
		if trap.number != i+1 {
			t.Errorf("trap %d stands at place %d", trap.number, i+1)
		}
		if (trap.tests == "") == (trap.cannot == "") {
			t.Errorf("trap %d needs a test, or a reason why it cannot happen", trap.number)
		}
		for _, name := range strings.Fields(trap.tests) {
			if !names[name] {
				t.Errorf("trap %d (%s): there is no %s", trap.number, trap.trap, name)
			}
		}
	}
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testNames lists the tests below a directory, whatever their build tags.
func testNames(t *testing.T, root string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			out[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
