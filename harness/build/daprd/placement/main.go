// The placement service of the same release; it shares the sidecar's module so that most of its
// packages are compiled once.
package main

import "github.com/dapr/dapr/cmd/placement/app"

func main() {
	app.Run()
}
