// What GitOps tools make of objects, by their own code.
//
// Each line of standard input is a Case, each of standard output what came of it:
//
//	{"object": {…}, "script": "return {status = 'Healthy'}", "check": {"current": "true"}}
//	{"argocd": "Healthy", "message": "", "kstatus": "Current", "flux": "Current"}
//
// kstatus and Flux' evaluator of healthCheckExprs are the packages that Flux' controllers are built
// with. Of Argo CD it is the Lua interpreter, with what util/lua/lua.go gives to scripts from argocd-cm.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Case is one object, with Argo CD's and Flux' health checks for it.
type Case struct {
	Object json.RawMessage                  `json:"object"`
	Script string                           `json:"script"`
	Check  kustomize.HealthCheckExpressions `json:"check"`
}

// Verdict is what each says. Flux' is "Error" where an expression can't be evaluated.
type Verdict struct {
	ArgoCD  string `json:"argocd"`
	Message string `json:"message"`
	Kstatus string `json:"kstatus"`
	Flux    string `json:"flux"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var given Case
		err := in.Decode(&given)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		verdict, err := judge(given)
		if err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(verdict); err != nil {
			log.Fatal(err)
		}
	}
}

func judge(given Case) (Verdict, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(given.Object); err != nil {
		return Verdict{}, err
	}
	shown, message, err := argoCD(object, given.Script)
	if err != nil {
		return Verdict{}, err
	}
	computed, err := status.Compute(object)
	if err != nil {
		return Verdict{}, err
	}
	evaluator, err := cel.NewStatusEvaluator(&given.Check)
	if err != nil {
		return Verdict{}, err
	}
	flux := "Error"
	if evaluated, err := evaluator.Evaluate(context.Background(), object); err == nil {
		flux = evaluated.Status.String()
	}
	return Verdict{shown, message, computed.Status.String(), flux}, nil
}

// argoCD runs a health check without the standard library but for the base and tables.
func argoCD(object *unstructured.Unstructured, script string) (string, string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		opening := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(opening, lua.LString(name)); err != nil {
			return "", "", err
		}
	}
	state.SetGlobal("obj", toLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("a health check gave %s, no table", state.Get(-1).Type())
	}
	return lua.LVAsString(answer.RawGetString("status")), lua.LVAsString(answer.RawGetString("message")), nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, each := range value {
			table.Append(toLua(state, each))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, each := range value {
			table.RawSetString(key, toLua(state, each))
		}
		return table
	}
	return lua.LNil
}
