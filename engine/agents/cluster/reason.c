/* The words. */
#include "engine/agents/cluster/reason.h"

static const char *of_tls(const struct err *err)
{
    static const char *const names[] = {[ERR_TLS_OTHER] = "TLSFailed",
                                        [ERR_TLS_EXPIRED] = "CertExpired",
                                        [ERR_TLS_NOT_YET_VALID] = "CertNotYetValid",
                                        [ERR_TLS_UNTRUSTED] = "CertUntrusted",
                                        [ERR_TLS_NAME] = "CertNameMismatch",
                                        [ERR_TLS_PIN] = "CAMismatch",
                                        [ERR_TLS_CLOCK] = "ClockSkew"};
    return names[err_tls_of(err)];
}

static bool is_dns(enum err_code code)
{
    return code == ERR_DNS_NXDOMAIN || code == ERR_DNS_SERVFAIL || code == ERR_DNS_TIMEOUT;
}

static bool is_network(enum err_code code)
{
    return code == ERR_TIMEOUT || code == ERR_CONN_REFUSED || code == ERR_CONN_RESET ||
           code == ERR_UNREACHABLE || code == ERR_EOF;
}

static const char *const step_names[] = {
    [AGENT_STEP_CONFIG] = "Config",
    [AGENT_STEP_ACCOUNT] = "Account",
    [AGENT_STEP_RESOLVE] = "Resolve",
    [AGENT_STEP_TCP] = "TCP",
    [AGENT_STEP_TLS] = "TLS",
    [AGENT_STEP_CA] = "CA",
    [AGENT_STEP_HTTP] = "HTTP",
    [AGENT_STEP_AUTH] = "Auth",
    [AGENT_STEP_CONNECTED] = "Connected",
};

const char *agent_step_name(enum agent_step step)
{
    return step_names[step];
}

static enum agent_step step_of_phase(enum agent_phase phase)
{
    static const enum agent_step steps[] = {[AGENT_PHASE_CONFIG] = AGENT_STEP_CONFIG,
                                            [AGENT_PHASE_RESOLVE] = AGENT_STEP_RESOLVE,
                                            [AGENT_PHASE_PING] = AGENT_STEP_HTTP,
                                            [AGENT_PHASE_CA] = AGENT_STEP_CA,
                                            [AGENT_PHASE_TLS] = AGENT_STEP_TLS,
                                            [AGENT_PHASE_CONNECT] = AGENT_STEP_HTTP,
                                            [AGENT_PHASE_CONNECTED] = AGENT_STEP_CONNECTED};
    return steps[phase];
}

enum agent_step agent_step_of(enum agent_phase phase, const struct err *err)
{
    bool of_config = phase == AGENT_PHASE_CONFIG;
    if (is_dns(err->code) && !of_config)
        return AGENT_STEP_RESOLVE;
    if (is_network(err->code) && !of_config)
        return AGENT_STEP_TCP;
    if (err->code != ERR_TLS || phase == AGENT_PHASE_CA)
        return step_of_phase(phase);
    return AGENT_STEP_TLS;
}

enum agent_step agent_step_of_refusal(int status, struct str body)
{
    bool ours = body.n > 0 && str_find(body, STR("not a WebSocket request")) < 0;
    return ours && status >= 400 && status < 500 ? AGENT_STEP_AUTH : AGENT_STEP_HTTP;
}

const char *agent_reason_of(const struct policies *policies, enum agent_phase phase,
                            const struct err *err)
{
    if (policy_get(policies, POLICY_FAILURE_REASON) == POLICY_REASON_STEP)
        return agent_phase_name(phase);
    if (is_dns(err->code))
        return "Unresolvable";
    if (is_network(err->code))
        return "Unreachable";
    return err->code == ERR_TLS ? of_tls(err) : "NotTheManager";
}

const char *agent_reason_of_refusal(const struct policies *policies, int status, struct str body)
{
    if (policy_get(policies, POLICY_FAILURE_REASON) == POLICY_REASON_STEP)
        return agent_phase_name(AGENT_PHASE_CONNECT);
    if (status == 503)
        return str_starts(body, STR("starting")) ? "ManagerStarting" : "ManagerBusy";
    if (status == 410)
        return "ClusterRemoved";
    if (str_find(body, STR("not a WebSocket request")) >= 0 ||
        body.n == 0) /* or not the manager's answer at all */
        return AGENT_REASON_BLOCKED;
    return str_find(body, STR("cluster not found")) >= 0 ? "ClusterUnknown" : "Refused";
}
