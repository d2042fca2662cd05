module llm-gateway/bench

go 1.22
