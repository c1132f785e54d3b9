package export

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"vigie"
	"vigie/clip"
	"vigie/service"
)

// XLSXType is the media type of XLSX.
const XLSXType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// maxCell is how many bytes a cell has at most: with any characters, that is less
// than the format's limit, of 32,767 units of UTF-16.
const maxCell = 32_000

// Workbook is a file of XLSX in the making. Rows beyond some 16 MiB are kept in a
// temporary file, so it takes little memory however long it is.
type Workbook struct {
	file                 *excelize.File
	sheet                *excelize.StreamWriter
	locale               vigie.Locale
	rows                 int // with that of the headers
	day, minute, decimal int // styles
}

// NewWorkbook begins a file with the names of the columns, in a row that stays in
// sight. It takes memory, and maybe a file, until it is closed.
func NewWorkbook(locale vigie.Locale, now time.Time) (*Workbook, error) {
	b := &Workbook{file: excelize.NewFile(), locale: locale}
	if err := b.begin(now); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Workbook) begin(now time.Time) error {
	name := vigie.Text{FR: "Marchés", EN: "Tenders"}.In(b.locale)
	if err := b.file.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	b.file.Pkg.Store("docProps/core.xml", properties(name, now))
	var err error
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return err
	}
	for i, c := range columns() {
		if err := b.sheet.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	if err := b.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	return b.begun()
}

// properties describe a file. Those that excelize makes are valid, and read by
// fewer programs: some look for the usual prefixes of the namespaces.
func properties(title string, now time.Time) []byte {
	created := now.UTC().Format(time.RFC3339)
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>%s</dc:title><dc:creator>Vigie</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">%s</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">%s</dcterms:modified></cp:coreProperties>`,
		title, created, created)
}

// begun makes the styles and writes the row of the headers.
func (b *Workbook) begun() error {
	day := vigie.Text{FR: "dd/mm/yyyy", EN: "yyyy-mm-dd"}.In(b.locale)
	minute, decimal := day+" hh:mm", "#,##0.00"
	bold, err := b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	for _, style := range []struct {
		format *string
		number *int
	}{{&day, &b.day}, {&minute, &b.minute}, {&decimal, &b.decimal}} {
		if *style.number, err = b.file.NewStyle(&excelize.Style{CustomNumFmt: style.format}); err != nil {
			return err
		}
	}
	var cells []any
	for _, header := range headers(b.locale) {
		cells = append(cells, excelize.Cell{StyleID: bold, Value: header})
	}
	return b.add(cells)
}

func (b *Workbook) add(cells []any) error {
	b.rows++
	return b.sheet.SetRow("A"+strconv.Itoa(b.rows), cells)
}

// Add adds tenders. Times are those of Paris, for cells know no zones.
func (b *Workbook) Add(tenders []*service.ExportedTender) error {
	all := columns()
	cells := make([]any, len(all))
	for _, t := range tenders {
		for i, c := range all {
			cells[i] = b.cell(c.value(row{t, b.locale}))
		}
		if err := b.add(cells); err != nil {
			return err
		}
	}
	return nil
}

// cell is a value as a cell has it. Texts are marked as such: none is a formula.
func (b *Workbook) cell(value any) any {
	switch v := value.(type) {
	case date:
		return excelize.Cell{StyleID: b.day, Value: onClock(time.Time(v)).Truncate(24 * time.Hour)}
	case moment:
		return excelize.Cell{StyleID: b.minute, Value: onClock(time.Time(v))}
	case number:
		amount, err := strconv.ParseFloat(string(v), 64) // 15 digits at most, which it holds
		if err != nil {
			return string(v)
		}
		return excelize.Cell{StyleID: b.decimal, Value: amount}
	case string:
		if v == "" {
			return nil
		}
		if len(v) > maxCell {
			return v[:clip.Boundary(v, maxCell-len("…"))] + "…"
		}
	}
	return value
}

// onClock is what clocks in Paris show at t, as if it were UTC.
func onClock(t time.Time) time.Time {
	t = t.In(vigie.Paris())
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// Write ends the file and writes it.
func (b *Workbook) Write(w io.Writer) error {
	if b.rows > 1 { // the headers offer to sort and to filter
		last, err := excelize.CoordinatesToCellName(len(columns()), b.rows)
		if err != nil {
			return err
		}
		if err := b.sheet.AddTable(&excelize.Table{Range: "A1:" + last, Name: "export", StyleName: "TableStyleLight1"}); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	if err := b.sheet.Flush(); err != nil {
		return err
	}
	// What excelize writes to otherwise is memory, for the whole file.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	_, err := b.file.WriteToBuffer()
	return err
}

// Close frees what the file takes.
func (b *Workbook) Close() error { return b.file.Close() }
