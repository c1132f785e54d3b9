package graph

import (
	"context"
	"reflect"
	"slices"

	"vigie"
	"vigie/graph/gql"
	words "vigie/query"
	"vigie/service"
)

// criteriaInput is what a client gives of criteria, by the names of CriteriaInput.
func criteriaInput(in map[string]any) words.Patch {
	return words.Patch{
		Keywords: listGiven(in["keywords"]), ExcludedKeywords: listGiven(in["excludedKeywords"]),
		KeywordsText: givenIn[*string](in, "keywordsText"), KeywordMode: givenIn[*vigie.KeywordMode](in, "keywordMode"),
		IncludeNationwide: givenIn[*bool](in, "includeNationwide"), Lists: lists(in),
		MinValue: givenIn[*string](in, "minValue"), MaxValue: givenIn[*string](in, "maxValue"),
		IncludeUnknownValue: givenIn[*bool](in, "includeUnknownValue"),
	}
}

// givenIn is a field of an input object, nil where it was not given, or null.
func givenIn[T any](in map[string]any, name string) T {
	v, _ := in[name].(T)
	return v
}

func listGiven(list any) *[]string {
	texts, _ := list.([]string)
	return givenList(texts)
}

// lists are the values of criteria in an input object. The generated code gives the values of each enumeration a type
// of their own.
func lists(in map[string]any) (values words.Values) {
	for _, criterion := range words.Filters() {
		list := reflect.ValueOf(in[criterion.Input])
		if !list.IsValid() || list.IsNil() {
			continue
		}
		texts := make([]string, list.Len())
		for i := range texts {
			texts[i] = list.Index(i).String()
		}
		values[criterion.Field] = texts
	}
	return values
}

// givenList is a list that a client may leave out; nil where it did.
func givenList[T any](list []T) *[]T {
	if list == nil {
		return nil
	}
	return &list
}

func (criteriaType) KeywordsText(_ context.Context, c *vigie.Criteria) (string, error) {
	return words.FormatKeywords(c.Keywords), nil
}

func (criteriaType) Buyers(ctx context.Context, c *vigie.Criteria) ([]*vigie.Buyer, error) {
	buyers, err := load(ctx).buyers.LoadAll(ctx, c.BuyerIDs)
	return slices.DeleteFunc(buyers, func(b *vigie.Buyer) bool { return b == nil }), err
}

func (criteriaType) Departments(_ context.Context, c *vigie.Criteria) ([]*vigie.Department, error) {
	return departments(c.Departments), nil
}

func (criteriaType) MinValue(_ context.Context, c *vigie.Criteria) (*string, error) {
	return orNull(c.MinValue), nil
}

func (criteriaType) MaxValue(_ context.Context, c *vigie.Criteria) (*string, error) {
	return orNull(c.MaxValue), nil
}

func (criteriaType) Summary(ctx context.Context, c *vigie.Criteria) (string, error) {
	buyers, err := buyersOf(ctx, *c)
	if err != nil {
		return "", err
	}
	return say(ctx, service.Sentence(service.Summary(*c, buyers))), nil
}

// buyersOf finds the buyers of criteria.
func buyersOf(ctx context.Context, c vigie.Criteria) (map[int64]*vigie.Buyer, error) {
	buyers, err := load(ctx).buyers.LoadAll(ctx, c.BuyerIDs)
	byID := make(map[int64]*vigie.Buyer, len(buyers))
	for i, b := range buyers {
		byID[c.BuyerIDs[i]] = b
	}
	return byID, err
}

func (query) Departments(context.Context) ([]*vigie.Department, error) {
	return pointers(vigie.Departments()), nil
}

// departments finds departments by their codes.
func departments(codes []string) []*vigie.Department {
	list := make([]*vigie.Department, 0, len(codes))
	for _, code := range codes {
		if d, ok := vigie.DepartmentByCode(code); ok {
			list = append(list, &d)
		}
	}
	return list
}

func (query) Limits(context.Context) (*gql.Limits, error) {
	return &gql.Limits{
		MinKeywordLength: vigie.MinKeywordLength, MaxKeywords: vigie.MaxKeywords, MaxNameLength: vigie.MaxNameLength,
		MaxRecipients: vigie.MaxRecipients, MaxWatches: vigie.MaxWatches, MaxPageSize: vigie.MaxPageSize,
	}, nil
}

func (query) Choices(ctx context.Context) (*gql.Choices, error) {
	return &gql.Choices{
		KeywordModes: choices(ctx, vigie.KeywordModes()), Frequencies: choices(ctx, vigie.Frequencies()),
		Natures: choices(ctx, vigie.Natures()), Procedures: choices(ctx, vigie.Procedures()),
		DeadlineKinds: choices(ctx, vigie.DeadlineKinds()), Techniques: choices(ctx, vigie.Techniques()), Statuses: choices(ctx, vigie.Statuses()),
	}, nil
}

func choices[T interface {
	~string
	Label() vigie.Text
}](ctx context.Context, values []T) []*gql.Choice {
	list := make([]*gql.Choice, len(values))
	for i, v := range values {
		list[i] = &gql.Choice{Value: string(v), Label: say(ctx, v.Label())}
	}
	return list
}

func (query) FormChoices(ctx context.Context) (*gql.FormChoices, error) {
	c := &gql.FormChoices{}
	for _, v := range vigie.KeywordModes() {
		c.KeywordModes = append(c.KeywordModes, &gql.KeywordModeChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.Frequencies() {
		c.Frequencies = append(c.Frequencies, &gql.AlertFrequencyChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.Natures() {
		c.Natures = append(c.Natures, &gql.NatureChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.Procedures() {
		c.Procedures = append(c.Procedures, &gql.ProcedureChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.DeadlineKinds() {
		c.DeadlineKinds = append(c.DeadlineKinds, &gql.DeadlineKindChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.Techniques() {
		c.Techniques = append(c.Techniques, &gql.TechniqueChoice{Value: v, Label: say(ctx, v.Label())})
	}
	for _, v := range vigie.Statuses() {
		c.Statuses = append(c.Statuses, &gql.TenderStatusChoice{Value: v, Label: say(ctx, v.Label())})
	}
	return c, nil
}
