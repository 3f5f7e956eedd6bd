// The scheduler at the newest release whose cron engine the module proxies serve.
package main

import "github.com/dapr/dapr/cmd/scheduler/app"

func main() {
	app.Run()
}
