package main

import (
	"time"

	"vigie/server/playground"
)

// examples are what the playground opens with. What they publish is published now, so that it alerts.
func examples(now time.Time) []playground.Example {
	return []playground.Example{
		{Query: myWatchQuery},
		{Query: previewQuery, Variables: `{
  "criteria": { "keywordsText": "voirie, \"espaces verts\"", "keywordMode": "ANY", "departmentCodes": ["01", "69"] }
}`},
		{Query: createMutation, Variables: `{
  "input": { "name": "Voirie dans l’Ain", "criteria": { "keywordsText": "voirie", "departmentCodes": ["01"] }, "frequency": "DAILY" }
}`},
		{Query: publishMutation, Variables: `{
  "input": [{
    "source": "demo", "sourceRef": "EXEMPLE-1", "title": "Réfection de la voirie communale", "buyerName": "Commune d’Exemple",
    "departmentCodes": ["01"], "natures": ["WORKS"], "publishedAt": "` + now.UTC().Format(time.RFC3339) + `"
  }]
}`},
		{Query: whyQuery, Variables: `{ "source": "demo", "sourceRef": "M-101" }`},
		{Query: followSubscription},
	}
}

const myWatchQuery = `# Mes veilles, et les marchés en ligne qui leur correspondent.
query MaVeille {
  watches {
    nodes {
      id
      name
      active
      onlineCount
      summary { label value }
    }
  }
  matchingTenders(first: 10) {
    totalCount
    pageCount
    edges {
      node {
        title
        reference
        buyer { name }
        departments { name }
        deadline
      }
      matchedBy { watch { name } keywords }
    }
    facets {
      departments { value label count }
      natures { value label count }
    }
  }
}
`

const previewQuery = `# Ce qu’une veille trouverait, avant de l’enregistrer.
query Apercu($criteria: CriteriaInput!) {
  previewMatches(criteria: $criteria, first: 5) {
    onlineCount
    last30Days
    examples {
      tender { title buyer { name } deadline }
      highlights { field parts { text hit } }
    }
    userErrors { field code message }
    warnings { code message }
  }
}
`

const createMutation = `# Ce qui est à corriger est dans userErrors.
mutation CreerUneVeille($input: CreateWatchInput!) {
  createWatch(input: $input) {
    watch { id name summary { label value } onlineCount }
    userErrors { field code message }
    warnings { code message }
  }
}
`

const publishMutation = `# Pour les plates-formes : avec un jeton qui a le droit de publier (dans la démonstration, sans jeton).
mutation Publier($input: [NoticeInput!]!) {
  publishNotices(input: $input) {
    results { outcome notice { id tender { id title status } } }
    userErrors { field code message }
    warnings { code message }
  }
}
`

const whyQuery = `# Pourquoi un marché correspond à mes veilles, et où se trouvent les mots clés.
query Pourquoi($source: String!, $sourceRef: String!) {
  tenderBySourceRef(source: $source, sourceRef: $sourceRef) {
    title
    matchedBy {
      watch { name }
      keywords
      places { keyword label excerpt { text hit } }
    }
  }
}
`

const followSubscription = `# Les événements des marchés de mes veilles, dès qu’ils se produisent.
subscription Suivre {
  tenderMatched {
    kind
    tender { title buyer { name } }
    matchedBy { watch { name } keywords }
  }
}
`
