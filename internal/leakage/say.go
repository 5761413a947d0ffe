package leakage

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// say puts into words what an index gives away.
func say(t *Table, table *schema.Table, of schema.Index, x *Index) {
	if x.Classes.Rows == 0 {
		x.Database = []string{"Nothing yet: no row has a value."}
		x.Backup, x.Queries = []string{"Nothing yet."}, []string{"That the column is searched, and how often."}
		return
	}
	x.Database = append(database(x), reach(table, of, x)...)
	x.Backup = []string{"The same, as of the day of the backup. Several backups also show which rows were given another value, and which an earlier one again."}
	if len(t.Lacks) > 0 {
		x.Backup = append(x.Backup, "Parts of the configuration are not in the database yet and are not counted.")
	}
	x.Queries = queries(x)
}

func database(x *Index) []string {
	c := &x.Classes
	switch x.Kind {
	case "contains":
		k := x.Tokens
		return []string{
			fmt.Sprintf("Which rows share pieces of text: %s pieces occur in more than one row; the most frequent is in %s of the rows (%s).", number(k.Repeated), percent(float64(k.Commonest), float64(rowsOf(x))), number(k.Commonest)),
			fmt.Sprintf("About how many pieces a text has, so how long it is, to the next eight: %s to %s.", number(k.Fewest), number(k.Most)),
			fmt.Sprintf("Of the rows, %s have a combination of such pieces that no other row has: whoever knows one of these texts finds its row.", number(k.Alone)),
			"Pieces that stand together belong to one text. Whoever knows the language, or similar texts, can recover much of the contents from the frequencies of pieces and of pairs of them. No key is needed for that.",
		}
	case "prefix", "suffix":
		return fragments(x)
	case "range":
		return hidden(x)
	case "order":
		return revealed(x)
	}
	if x.Kind == "compound" {
		return combined(x)
	}
	return equality(c)
}

func combined(x *Index) []string {
	all := strings.Join(x.Columns, ", ")
	out := append([]string{"What follows is said of the values of " + all + " taken together. Of one of them alone the index tells nothing."}, equality(&x.Classes)...)
	return append(out, "Clear columns among them are readable as they are: rows that are equal in these and differ in the index have different encrypted values.")
}

func rowsOf(x *Index) int64 {
	if x.Tokens != nil {
		return x.Tokens.Rows
	}
	return x.Classes.Rows
}

func equality(c *Classes) []string {
	if c.Singletons == c.Rows {
		return []string{fmt.Sprintf("That all %s values are different. No two rows can be told to be equal, and frequencies show nothing.", number(c.Rows))}
	}
	out := []string{
		fmt.Sprintf("Which rows hold equal values: %s rows fall into %s groups; %s rows are alone in theirs.", number(c.Rows), number(c.Distinct), number(c.Singletons)),
		fmt.Sprintf("How often each value occurs: the most frequent one is in %s of the rows (%s).", percent(float64(c.Largest), float64(c.Rows)), number(c.Largest)),
	}
	if skewed(c) {
		return append(out, fmt.Sprintf("Who knows about how often values occur in such data can name the large groups. Guessing that the largest group is the most common value is right for %s of the rows at once.", percent(float64(c.Largest), float64(c.Rows))))
	}
	return append(out, "The values themselves are not shown. Who learns the value of one row from elsewhere knows it of all rows of its group.")
}

func fragments(x *Index) []string {
	side := map[string]string{"prefix": "begin", "suffix": "end"}[x.Kind]
	out := []string{}
	for _, l := range x.Levels {
		out = append(out, fmt.Sprintf("Which texts %s with the same %s: %s groups, the largest with %s of the rows (%s).", side, letters(l.Depth),
			number(l.Classes.Distinct), percent(float64(l.Classes.Largest), float64(x.Classes.Rows)), number(l.Classes.Largest)))
	}
	return append(out, "That a text is shorter than one of these lengths. Frequent beginnings and ends of names, numbers and addresses are public knowledge: large groups can be named by it.")
}

func hidden(x *Index) []string {
	out := []string{"Which values are near each other, as groups of equal leading bits, without telling which group is the smaller."}
	for _, l := range x.Levels {
		if l.Classes.Distinct > 1 {
			out = append(out, fmt.Sprintf("By the first %d bits: %s groups, the largest with %s of the rows.", l.Depth, number(l.Classes.Distinct), percent(float64(l.Classes.Largest), float64(l.Classes.Rows))))
		}
	}
	return append(out, "At the finest level this is which values are equal. Whoever knows about how the values are distributed can name large groups by their size.")
}

func revealed(x *Index) []string {
	o, c := x.Order, &x.Classes
	return []string{
		fmt.Sprintf("The order of all values: which are smaller, which equal, which are the smallest and the greatest. %s rows have %s different values.", number(c.Rows), number(c.Distinct)),
		fmt.Sprintf("About how far values are apart: neighbours in the order share %s of %d leading bits on average.", decimal(o.Shared), o.Bits),
		fmt.Sprintf("Bits of the values themselves: comparing the rows with each other tells %s of the %d bits of a value on average, %d of some.", decimal(o.Known), o.Bits, o.KnownMost),
		"Whoever knows about how the values are distributed can tell from its place in the order about which value a row has. On dense data (ages, dates of birth, salaries) that gives away most values. No key is needed for that.",
	}
}

// reach says among which rows this holds.
func reach(table *schema.Table, of schema.Index, x *Index) []string {
	var out []string
	switch {
	case table.Partition.Kind == schema.PartitionConst:
	case of.AllPartitions():
		out = append(out, "This holds across partitions: that two tenants have one value is seen.")
	default:
		out = append(out, "This holds within each partition. Values of two partitions cannot be compared.")
	}
	if x.Group != "" {
		out = append(out, "The same across the columns of the search group "+strconv.Quote(x.Group)+": which rows of one table belong to which of another by this value.")
	}
	if x.Unique {
		out = append(out, "Whoever may insert rows can test whether a value is there, by the error of the unique key.")
	}
	if x.Bits > 0 && x.Bits < 128 {
		out = append(out, fmt.Sprintf("The index has %d bits: different values share a group by chance, which hides rare values among others, and no frequent one.", x.Bits))
	}
	return out
}

func queries(x *Index) []string {
	const who = "when, how often, and by which client"
	switch x.Kind {
	case "range":
		return []string{
			"Which groups are asked for, " + who + ". The groups of one search make up a range, so they lie side by side.",
			"After some thousands of different searches the groups can be put in order from that: then it is the order of the values, up to its direction.",
		}
	case "order":
		return []string{"The place of each bound in the order of the stored values, " + who + "."}
	case "contains":
		return []string{"Which pieces are searched together, " + who + ". A word that is searched often is its set of pieces, and the rows that have them."}
	case "prefix", "suffix":
		return []string{"Which of these groups is asked for, " + who + "."}
	}
	return []string{"Which of these groups is asked for, " + who + ". Not for which value."}
}

func letters(n int) string {
	if n == 1 {
		return "letter"
	}
	return strconv.Itoa(n) + " letters"
}

// number writes 12345 as 12,345.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent writes a share with as many digits as tell something.
func percent(part, whole float64) string {
	if whole == 0 {
		return "0 %"
	}
	switch p := 100 * part / whole; {
	case p == 0 || p >= 10:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	case p < 0.01:
		return "less than 0.01 %"
	default:
		return strconv.FormatFloat(p, 'g', 2, 64) + " %"
	}
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
