package rewrite

import "strings"

// On MySQL a table may hold no rows of its own and show those of others: MERGE
// lists them in UNION = (…), FEDERATED, CONNECT and SPIDER reach them through a
// connection. The catalog tells such tables apart, but not temporary ones.

// reaching are the engines of tables whose rows lie elsewhere.
var reaching = map[string]bool{"FEDERATED": true, "FEDERATEDX": true, "CONNECT": true, "SPIDER": true, "MERGE": true, "MRG_MYISAM": true}

const reachingHint = "rows that are written through this table would reach tables that nobody can tell; use the plain driver"

// elsewhere refuses a definition of a clear table by which rows of an annotated one
// could be read and written under its name. o is CREATE TABLE or ALTER TABLE.
func (a *analysis) elsewhere(o *Other) error {
	if a.dialect != MySQL {
		return nil
	}
	toks := a.tokens(o.Range())
	for i := range toks {
		rest := words(toks[i:])
		switch {
		case rest.is("UNION"):
			if t := a.united(toks[i+1:]); t != nil {
				return a.refuse(t.Start, ReasonDDL, t.Text, ddlHint)
			}
		case (rest.is("ENGINE") || rest.is("TYPE")) && (o.Temp || o.Kind == OtherAlterTable):
			if name := skipEquals(toks[i+1:]); len(name) > 0 && reaching[strings.ToUpper(name[0].Text)] {
				return a.refuse(name[0].Start, ReasonDDL, "", reachingHint)
			}
		}
	}
	return nil
}

func skipEquals(toks []Token) []Token {
	if len(toks) > 0 && isPunct(toks[0], "=") {
		return toks[1:]
	}
	return toks
}

// united returns the first name of UNION [=] (…) that may reach an annotated
// table. The UNION of a query is none: its parentheses begin with a word of one.
func (a *analysis) united(toks []Token) *Token {
	toks = skipEquals(toks)
	if len(toks) < 2 || !isPunct(toks[0], "(") || words(toks[1:]).is("SELECT") || words(toks[1:]).is("WITH") || words(toks[1:]).is("TABLE") || words(toks[1:]).is("VALUES") {
		return nil
	}
	for i := 1; i < len(toks) && !isPunct(toks[i], ")"); i++ {
		if isName(toks[i]) && a.cat.Mentions(toks[i].Text) {
			return &toks[i]
		}
	}
	return nil
}
