// Command pause holds a pod's namespaces open: it sleeps until it is told to end.
//
// In: SIGTERM or SIGINT. Out: exit code 0. Absent: reaping of others' children; no pod here shares its
// process namespace.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
}
