// Package mutate proves that the rewrite cases hold the rewriter's rules. It
// consists of a test that `make long` runs: it takes the rules of package
// rewrite out, one at a time, and demands that a case fails.
//
// Three kinds of change are made, all in one build that reads from the
// environment which of them is on:
//
//	refusal  return …, a.refuse(…)            →  return …, nil
//	check    if err := a.clear(…); err != nil →  the error is not looked at
//	form     case *Cast: …                    →  the clause is left at once
//
// Refusals and checks are taken out of the whole package, but for the proofs
// behind the plan; forms out of the files of the flow rules.
//
// Changes that no case notices are listed in survivors.txt, each with the
// reason why that is right.
package mutate
