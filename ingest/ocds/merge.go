package ocds

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Merge makes the compiled release of the releases of one ocid, in any order, by
// the merge rules of the Open Contracting Data Standard 1.1
// (standard.open-contracting.org/1.1/en/schema/merging), which 1.2 kept: releases
// are put one over the other in the order of their dates. Objects are merged
// field by field, lists of objects with ids object by object, everything else is
// replaced, and null removes. It changes nothing of what it is given, and may
// share parts of it.
//
// The values are those of encoding/json, or json.Number for numbers. What the
// schema says of its fields is known by their names (see wholeLists), for
// publishers add fields of their own. « versionId » is of versioned releases
// alone, which are not made here.
func Merge(releases []map[string]any) map[string]any {
	merged := make(map[string]any)
	for _, release := range slices.SortedStableFunc(slices.Values(releases), byDate) {
		merged = over(merged, release)
		merged["ocid"], merged["date"] = release["ocid"], release["date"]
	}
	merged["id"] = fmt.Sprintf("%v-%v", merged["ocid"], merged["date"])
	merged["tag"] = []any{"compiled"}
	return merged
}

// byDate orders releases by their dates; those without one come first.
func byDate(a, b map[string]any) int {
	at, _ := instant(text(a["date"]))
	bt, _ := instant(text(b["date"]))
	return cmp.Or(at.Compare(bt), cmp.Compare(text(a["date"]), text(b["date"])))
}

// instant reads a date-time of RFC 3339, as the standard asks for. Some
// publishers leave the zone out: that is UTC here.
func instant(s string) (at time.Time, ok bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// metadata are the fields of a release that are about the release itself
// (« omitWhenMerged »).
var metadata = []string{"id", "date", "tag"}

// over puts a release over what was merged before.
func over(merged, release map[string]any) map[string]any {
	fields := maps.Clone(release)
	for _, name := range metadata {
		delete(fields, name)
	}
	return mergeObject(merged, fields)
}

// mergeObject puts an object over another one.
func mergeObject(base, object map[string]any) map[string]any {
	merged := make(map[string]any, max(len(base), len(object)))
	maps.Copy(merged, base)
	for name, value := range object {
		if value == nil {
			delete(merged, name)
			continue
		}
		if value, said := mergeValue(name, merged[name], value); said {
			merged[name] = value
		}
	}
	return merged
}

// mergeValue puts a value over the one before it, nil where there is none. An
// object or a list to merge that is empty says nothing.
func mergeValue(name string, base, value any) (merged any, said bool) {
	switch value := value.(type) {
	case map[string]any:
		object, _ := base.(map[string]any)
		return mergeObject(object, value), len(value) > 0
	case []any:
		objects := objectsOf(value)
		if isWhole(name, value, objects) {
			return value, true
		}
		list, _ := base.([]any)
		return mergeList(list, objects), len(value) > 0
	}
	return value, true
}

// objectsOf returns the elements of a list that are objects.
func objectsOf(list []any) []map[string]any {
	var objects []map[string]any
	for _, element := range list {
		if object, ok := element.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// isWhole reports whether a list is replaced as a whole: one that is not of
// objects alone, or of objects without ids, or that the schema says it of.
func isWhole(name string, list []any, objects []map[string]any) bool {
	identified := func(object map[string]any) bool { return object["id"] != nil }
	return slices.Contains(wholeLists, name) || len(objects) < len(list) ||
		len(list) > 0 && !slices.ContainsFunc(objects, identified)
}

// wholeLists are the lists of the schemas 1.1 and 1.2, and of the extensions for
// locations, that are replaced as a whole though their objects may have ids
// (« wholeListMerge »), have none, or are texts.
var wholeLists = []string{
	"additionalClassifications", "additionalIdentifiers", "changes", "classifications", "deliveryAddresses", "deliveryLocations",
	"identifiers", "locations",
	"additionalProcurementCategories", "languages", "relatedItems", "relatedLots", "relationship", "roles", "submissionMethod",
}

// mergeList puts objects over those with the same ids, and the others behind
// them.
func mergeList(base []any, objects []map[string]any) []any {
	merged := slices.Clone(base)
	at := make(map[string]int, len(base)+len(objects))
	for i, element := range base {
		if object, ok := element.(map[string]any); ok && object["id"] != nil {
			at[text(object["id"])] = i
		}
	}
	for _, object := range objects {
		id := text(object["id"])
		i, known := at[id]
		if !known {
			i = len(merged)
			merged = append(merged, map[string]any{})
		}
		if object["id"] != nil {
			at[id] = i
		}
		before, _ := merged[i].(map[string]any)
		merged[i] = mergeObject(before, object)
	}
	return merged
}

// text is a text or number as a text, "" for anything else: the id 1 is the id
// "1".
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case fmt.Stringer: // json.Number
		return v.String()
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}
