package watches

import (
	"encoding/json"
	"errors"
	"strings"

	"vigie"
)

// lenient gives a line's fields the form that [Watch] has, where other systems
// write them in another way that can mean one thing only, and says what was
// changed in their meaning.
func lenient(text []byte) ([]byte, []vigie.Text) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return text, nil
	}
	var notes []vigie.Text
	changed := false
	set := func(name string, value any) {
		// What is marshalled here was read from JSON, or is a flag.
		if written, err := json.Marshal(value); err == nil {
			fields[name], changed = written, true
		}
	}
	if flag, ok := flags[strings.ToLower(strings.Trim(string(fields["active"]), `"`))]; ok {
		set("active", flag)
	}
	var list string
	if json.Unmarshal(fields["recipients"], &list) == nil && list != "" {
		addresses := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(";, \t\n", r) })
		set("recipients", addresses)
	}
	var frequency string
	if json.Unmarshal(fields["frequency"], &frequency) == nil && strings.EqualFold(frequency, "MONTHLY") {
		set("frequency", vigie.Weekly)
		notes = append(notes, vigie.Text{
			FR: "« MONTHLY » devient « WEEKLY », la plus lente des fréquences.",
			EN: "“MONTHLY” becomes “WEEKLY”, the slowest frequency.",
		})
	}
	if !changed {
		return text, nil
	}
	written, err := json.Marshal(fields)
	if err != nil {
		return text, nil
	}
	return written, notes
}

// flags are what other systems write for yes and no.
var flags = map[string]bool{"1": true, "true": true, "oui": true, "yes": true, "0": false, "false": false, "non": false, "no": false}

// reason says why a line is no watch, in a person's words; cause is the
// decoder's error.
func reason(cause error) vigie.Text {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](cause); ok && wrong.Field != "" {
		return vigie.Text{
			FR: "Le champ « %s » n’a pas la forme attendue.",
			EN: "The field “%s” does not have the expected form.",
		}.With(wrong.Field)
	}
	if _, name, ok := strings.Cut(cause.Error(), "unknown field "); ok {
		return vigie.Text{
			FR: "Le champ « %s » est inconnu. Vérifiez son nom : un critère mal écrit serait perdu.",
			EN: "The field “%s” is unknown. Check its name: a misspelt criterion would be lost.",
		}.With(strings.Trim(name, `"`))
	}
	if said, ok := errors.AsType[*vigie.Error](cause); ok {
		return said.Text
	}
	return vigie.Text{
		FR: "Cette ligne n’est pas une veille en JSON : elle n’a pas été lue.",
		EN: "This line is not a watch in JSON: it was not read.",
	}
}
