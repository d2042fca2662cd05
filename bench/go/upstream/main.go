// A provider that answers at once, so that a bench measures what stands before it: chat completions under /v1, and
// under /paced/v1 the same with a pause before each chunk of a stream.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"
)

const answer = `{"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"bench","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"A gateway takes a request, finds who may serve it, and hands the answer back; ` +
	`what it adds is the account of what was used, by whom, and at which price."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":57,"completion_tokens":33,"total_tokens":90}}`

const (
	chunkForm = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench",` +
		`"choices":[{"index":0,"delta":{%s"content":"word %d "},"finish_reason":null}]}` + "\n\n"
	lastChunk = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench",` +
		`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usageForm = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench",` +
		`"choices":[],"usage":{"prompt_tokens":57,"completion_tokens":%d,"total_tokens":%d}}` + "\n\ndata: [DONE]\n\n"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	chunks := flag.Int("chunks", 50, "content chunks of a stream")
	pause := flag.Duration("pause", 20*time.Millisecond, "before each chunk under /paced")
	flag.Parse()
	content := contentChunks(*chunks)
	usage := []byte(fmt.Sprintf(usageForm, *chunks, *chunks+57))
	serve := func(pause time.Duration) http.HandlerFunc {
		return func(response http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				return
			}
			if bytes.Contains(body, []byte(`"stream":true`)) {
				stream(response, request, content, usage, pause)
				return
			}
			response.Header().Set("Content-Type", "application/json")
			response.Header().Set("Content-Length", strconv.Itoa(len(answer)))
			io.WriteString(response, answer)
		}
	}
	http.HandleFunc("/v1/chat/completions", serve(0))
	http.HandleFunc("/paced/v1/chat/completions", serve(*pause))
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(*address, nil))
}

func contentChunks(count int) [][]byte {
	content := make([][]byte, count)
	for index := range content {
		role := ""
		if index == 0 {
			role = `"role":"assistant",`
		}
		content[index] = []byte(fmt.Sprintf(chunkForm, role, index))
	}
	return content
}

// Each chunk leaves by itself, as it does where a model makes one token after the other.
func stream(response http.ResponseWriter, request *http.Request, content [][]byte, usage []byte, pause time.Duration) {
	response.Header().Set("Content-Type", "text/event-stream")
	flusher := response.(http.Flusher)
	for index, chunk := range content {
		if index > 0 && pause > 0 {
			select {
			case <-time.After(pause):
			case <-request.Context().Done():
				return
			}
		}
		response.Write(chunk)
		flusher.Flush()
	}
	io.WriteString(response, lastChunk)
	response.Write(usage)
}
