// The sidecar's runtime as the project ships it, with its stable components (build tag
// stablecomponents) and two more: the sqlite name resolver, which components/local/config.yaml names
// because the default one opens a multicast socket, and the SMTP binding, which no file of ours names
// yet and which is here for the mails that the system is to send.
package main

import (
	"github.com/dapr/components-contrib/bindings/smtp"
	"github.com/dapr/components-contrib/nameresolution/sqlite"
	"github.com/dapr/dapr/cmd/daprd/app"
	"github.com/dapr/dapr/pkg/components/bindings"
	"github.com/dapr/dapr/pkg/components/nameresolution"
)

func main() {
	bindings.DefaultRegistry.RegisterOutputBinding(smtp.NewSMTP, "smtp")
	nameresolution.DefaultRegistry.RegisterComponent(sqlite.NewResolver, "sqlite")
	app.Run()
}
