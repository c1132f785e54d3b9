package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// open opens a file that is read from its beginning to its end, "-" for standard input, with a progress bar on a
// terminal. It refuses a file with nothing in it.
func (p *process) open(name string) (io.ReadCloser, error) {
	var file io.ReadCloser
	size := int64(-1)
	if name == "-" {
		file = io.NopCloser(p.standardInput())
	} else {
		opened, info, err := openFile(name)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			size = info.Size()
		}
		file = opened
	}
	begun := bufio.NewReader(file)
	if begins, err := begun.Peek(512); errors.Is(err, io.EOF) && len(bytes.TrimSpace(begins)) == 0 {
		file.Close()
		return nil, errors.New("there is nothing in it")
	}
	terminal, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return struct {
			io.Reader
			io.Closer
		}{begun, file}, nil
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetDescription(name), progressbar.OptionSetWriter(p.err),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
	return progressFile{io.TeeReader(begun, bar), file, bar}, nil
}

// openFile opens a file. The error does not name it.
func openFile(name string) (*os.File, fs.FileInfo, error) {
	file, err := os.Open(name)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder: name the files in it")
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// standardInput is the input of a command that reads it. A person who sits there learns that something is to be typed.
func (p *process) standardInput() io.Reader {
	if p.asks {
		fmt.Fprintln(p.err, "vigie: reading standard input, up to its end (Ctrl-D)")
	}
	return p.in
}

// progressFile is a file whose progress is shown.
type progressFile struct {
	io.Reader
	file io.Closer
	bar  *progressbar.ProgressBar
}

func (w progressFile) Close() error { return errors.Join(w.bar.Finish(), w.file.Close()) }
