// Keeps a number of chat streams open and tells in JSON how soon their first tokens came.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type outcome struct {
	firstByte time.Duration
	whole     time.Duration
	err       error
}

func main() {
	url := flag.String("url", "", "address of the chat completions")
	body := flag.String("body", "", "JSON of the request")
	callers := flag.String("callers", "[{}]", "JSON list of the headers of each caller; they call in turn")
	open := flag.Int("open", 100, "streams open at once")
	seconds := flag.Float64("seconds", 5, "how long new streams are begun")
	spread := flag.Duration("spread", time.Second, "over which the first streams begin")
	flag.Parse()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *open, MaxConnsPerHost: *open}}
	var headers []map[string]string
	if err := json.Unmarshal([]byte(*callers), &headers); err != nil || len(headers) == 0 {
		log.Fatal("-callers is no list of objects")
	}
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	var group sync.WaitGroup
	var lock sync.Mutex
	var outcomes []outcome
	for index := 0; index < *open; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(*spread * time.Duration(index) / time.Duration(*open))
			for time.Now().Before(end) {
				result := read(client, *url, *body, headers[index%len(headers)])
				lock.Lock()
				outcomes = append(outcomes, result)
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	report(outcomes)
}

// Reads one stream to its end; one without [DONE] has failed.
func read(client *http.Client, url, body string, headers map[string]string) outcome {
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return outcome{err: err}
	}
	request.Header.Set("content-type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return outcome{err: err}
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		text, _ := io.ReadAll(response.Body)
		return outcome{err: fmt.Errorf("status %d: %s", response.StatusCode, text)}
	}
	var first time.Duration
	var tail []byte
	buffer := make([]byte, 16*1024)
	for {
		count, err := response.Body.Read(buffer)
		if count > 0 {
			if first == 0 && bytes.Contains(buffer[:count], []byte("data:")) {
				first = time.Since(began)
			}
			tail = append(tail, buffer[:count]...)
			tail = tail[max(0, len(tail)-64):]
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return outcome{err: err}
		}
	}
	if !bytes.Contains(tail, []byte("[DONE]")) {
		return outcome{err: fmt.Errorf("the stream ended with %q", tail)}
	}
	return outcome{firstByte: first, whole: time.Since(began)}
}

func report(outcomes []outcome) {
	var first, whole []float64
	failures := 0
	for _, one := range outcomes {
		if one.err != nil {
			failures++
			log.Println(one.err)
			continue
		}
		first = append(first, float64(one.firstByte.Microseconds())/1000)
		whole = append(whole, float64(one.whole.Microseconds())/1000)
	}
	sort.Float64s(first)
	sort.Float64s(whole)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"streams":    len(first),
		"failures":   failures,
		"firstP50Ms": at(first, 0.5),
		"firstP99Ms": at(first, 0.99),
		"wholeP50Ms": at(whole, 0.5),
	})
}

func at(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
