package graph

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"

	"vigie"
	"vigie/graph/wire"
)

const (
	// keepAlive is how often something is sent on a stream where nothing
	// happens: proxies cut idle connections after a minute, often.
	keepAlive = 20 * time.Second
	// greeting is how long a socket's client may take to say who it is.
	greeting = 10 * time.Second
	// afterExpiry is how long a socket stays open after its token has expired.
	afterExpiry = time.Second
)

// The codes that a socket is closed with: graphql-transport-ws's own, and those
// of RFC 6455.
const (
	closeUnauthorized = 4401
	closeInternal     = 4500
	closeTryAgain     = 1013
)

// socket is the transport over WebSocket.
func socket(o Options) wire.Socket {
	return wire.Socket{Websocket: transport.Websocket{
		Implementation: wire.Sockets{Intake: o.Intake, Origins: o.Origins, Most: o.Limits.OnSocket, Present: present(o.Log)},
		InitFunc: func(ctx context.Context, hello transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			if authorization := hello.Authorization(); authorization != "" { // else who asks is who the header says
				viewer, err := o.SignIn(ctx, authorization)
				if err != nil {
					return refused(ctx, err, o.Log), nil, err
				}
				if viewer != nil {
					ctx = WithViewer(ctx, viewer)
				}
			}
			// A moment later, for subscriptions say why they end.
			ctx, cancel := untilExpired(ctx, afterExpiry)
			context.AfterFunc(ctx, cancel)
			wire.Greeted(ctx)
			return ctx, nil, nil
		},
		InitTimeout: greeting, KeepAlivePingInterval: keepAlive, PingPongInterval: keepAlive,
		PayloadReadLimit: new(int64(-1)), // the intake limits what is read
	}}
}

// refused says why a socket is closed to who asks.
func refused(ctx context.Context, err error, log *slog.Logger) context.Context {
	code, text := closeInternal, vigie.Text{FR: "Une erreur s’est produite de notre côté. Réessayez dans un instant.", EN: "Something went wrong on our side. Try again in a moment."}
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		text = e.Text
	}
	switch vigie.CodeOf(err) {
	case vigie.Unauthenticated:
		code = closeUnauthorized
		log.InfoContext(ctx, "token refused", "component", "socket", "action", "sign in", "error", err)
	case vigie.Unavailable:
		code = closeTryAgain
		if e, ok := errors.AsType[*vigie.Error](err); ok && e.RetryAfter == 0 { // else it was only too much at once
			log.WarnContext(ctx, "sign-in failed", "component", "socket", "action", "sign in", "error", err)
		}
	case vigie.TooManyRequests:
		code = closeTryAgain
	default:
		if ctx.Err() == nil { // else the client has left, or the server stops
			log.ErrorContext(ctx, "sign-in failed", "component", "socket", "action", "sign in", "error", err)
		}
	}
	return transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, say(ctx, text)), code)
}
