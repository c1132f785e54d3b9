package store

// ByRef is byRef, for tests.
var ByRef = byRef
