package ocds

// The longest texts that are kept, in characters, and the most of anything
// that a notice has several of.
const (
	maxRefLength         = 100
	maxNameLength        = 300
	maxTitleLength       = 1000
	maxDescriptionLength = 10_000
	maxURLLength         = 2000
	maxLots              = 500
	maxAwards            = 500
	maxWinners           = 100
	maxPlaces            = 100
	maxCriteria          = 50
	maxCodes             = 500
	// maxRemembered is about how many bytes are remembered of what a file said
	// before.
	maxRemembered = 32 << 20
)
