/* commands: the options of each command, by name and place. The tables stand beside the commands. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_COMMANDS_H
#define PADDOCK_ENGINE_CLI_COMMANDS_H

#include "engine/cmdline/cmdline.h"

enum {
    SERVER_KUBECONFIG,
    SERVER_EMBEDDED,
    SERVER_DATASTORE,
    SERVER_KUBECONFIG_OUT,
    SERVER_LISTEN,
    SERVER_HTTP_LISTEN,
    SERVER_METRICS_LISTEN,
    SERVER_URL,
    SERVER_TLS_CERT,
    SERVER_TLS_KEY,
    SERVER_CA_CERT,
    SERVER_BOOTSTRAP_PASSWORD,
    SERVER_AGENT_IMAGE,
    SERVER_PEER,
    SERVER_LOG_FORMAT,
    SERVER_PROFILE,
    SERVER_POLICY,
    SERVER_OPTION_COUNT
};
extern const struct cmdline_option server_options[SERVER_OPTION_COUNT];

enum { POLICIES_FORMAT, POLICIES_PROFILE, POLICIES_OPTION_COUNT };
extern const struct cmdline_option policies_options[POLICIES_OPTION_COUNT];

enum {
    SERVE_LISTEN,
    SERVE_TLS_CERT,
    SERVE_TLS_KEY,
    SERVE_TOKEN,
    SERVE_FORWARD,
    SERVE_PROFILE,
    SERVE_POLICY,
    SERVE_OPTION_COUNT
};
extern const struct cmdline_option tunnel_serve_options[SERVE_OPTION_COUNT];

enum {
    CONNECT_SERVER,
    CONNECT_ID,
    CONNECT_TOKEN,
    CONNECT_COUNT,
    CONNECT_ALLOW,
    CONNECT_CA,
    CONNECT_PROFILE,
    CONNECT_POLICY,
    CONNECT_OPTION_COUNT
};
extern const struct cmdline_option tunnel_connect_options[CONNECT_OPTION_COUNT];

enum {
    DOCTOR_SERVER,
    DOCTOR_TOKEN,
    DOCTOR_CA_CHECKSUM,
    DOCTOR_CA,
    DOCTOR_FORMAT,
    DOCTOR_OPTION_COUNT
};
extern const struct cmdline_option doctor_options[DOCTOR_OPTION_COUNT];

enum {
    AGENT_SERVER,
    AGENT_TOKEN,
    AGENT_CA_CHECKSUM,
    AGENT_CREDENTIALS_DIR,
    AGENT_KUBECONFIG,
    AGENT_STATE_DIR,
    AGENT_HEALTHZ_LISTEN,
    AGENT_LOG_FORMAT,
    AGENT_PROFILE,
    AGENT_POLICY,
    AGENT_OPTION_COUNT
};
extern const struct cmdline_option agent_cluster_options[AGENT_OPTION_COUNT];

#endif
