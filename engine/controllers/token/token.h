/* token: registration tokens: gives each ClusterRegistrationToken its random text, and the URL and commands that follow
 * from it and from the settings server-url and cacerts; computed again when these change.
 *
 *   status.token              54 characters, drawn once and never again
 *   status.manifestUrl        SERVER/v3/import/TOKEN_CLUSTER.yaml
 *   status.command            applies it; insecureCommand: where kubectl does not trust the server's certificate
 *   status.nodeCommand        installs the system agent; with --ca-checksum when there is a CA setting
 *
 * Without server-url only the token is written: nobody could use the rest. A write carries the resourceVersion, so that
 * of two rivals only one decides on the token. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_TOKEN_TOKEN_H
#define PADDOCK_ENGINE_CONTROLLERS_TOKEN_TOKEN_H

#include "engine/controllers/controller.h"

#define TOKEN_CHARS 54u

extern const struct controller_class token_class;

#endif
