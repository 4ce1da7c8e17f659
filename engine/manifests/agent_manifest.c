/* The import manifest as text. */
#include "engine/manifests/agent_manifest.h"

#include "engine/base/codec.h"
#include "engine/base/json.h"
#include "engine/pki/pki.h"

#define CREDENTIALS_HEX 10u
#define TOMBSTONE_HEX   40u

void agent_ca_checksum(struct str pem, bool as_set, struct buf *out)
{
    struct err *err = as_set && pem.n ? pki_ca_pins(pem, out) : NULL;
    if (!as_set || err)
        pki_ca_checksum(pem, out);
    err_ignore(err); /* not ours to judge: whoever pinned the text gets the text's hash */
}

void agent_tombstone_name(struct str token, struct buf *out)
{
    struct buf hex = {0};
    pki_sha256_hex(token, &hex);
    buf_add_c(out, AGENT_TOMBSTONE_PREFIX);
    buf_add(out, str_sub(buf_str(&hex), 0, TOMBSTONE_HEX));
    buf_free(&hex);
}

void agent_membership_write(struct str key, struct str cluster_id, struct str token,
                            struct buf *out)
{
    struct buf text = {0};
    buf_addf(&text, "membership " STR_FMT " " STR_FMT, STR_ARG(cluster_id), STR_ARG(token));
    buf_addf(out, STR_FMT ".", STR_ARG(cluster_id));
    pki_hmac_sha256_hex(key, buf_str(&text), out);
    buf_free(&text);
}

static const char roles[] =
    "---\n"
    "apiVersion: rbac.authorization.k8s.io/v1\n"
    "kind: ClusterRole\n"
    "metadata:\n"
    "  name: proxy-clusterrole-kubeapiserver\n"
    "rules:\n"
    "- apiGroups: [\"\"]\n"
    "  resources: [nodes/metrics, nodes/proxy, nodes/stats, nodes/log, nodes/spec]\n"
    "  verbs: [get, list, watch, create]\n"
    "---\n"
    "apiVersion: rbac.authorization.k8s.io/v1\n"
    "kind: ClusterRoleBinding\n"
    "metadata:\n"
    "  name: proxy-role-binding-kubernetes-master\n"
    "roleRef:\n"
    "  apiGroup: rbac.authorization.k8s.io\n"
    "  kind: ClusterRole\n"
    "  name: proxy-clusterrole-kubeapiserver\n"
    "subjects:\n"
    "- apiGroup: rbac.authorization.k8s.io\n"
    "  kind: User\n"
    "  name: kube-apiserver\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata:\n"
    "  name: cattle-system\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: ServiceAccount\n"
    "metadata:\n"
    "  name: cattle\n"
    "  namespace: cattle-system\n"
    "---\n"
    "apiVersion: rbac.authorization.k8s.io/v1\n"
    "kind: ClusterRoleBinding\n"
    "metadata:\n"
    "  name: cattle-admin-binding\n"
    "  labels:\n"
    "    cattle.io/creator: norman\n"
    "subjects:\n"
    "- kind: ServiceAccount\n"
    "  name: cattle\n"
    "  namespace: cattle-system\n"
    "roleRef:\n"
    "  apiGroup: rbac.authorization.k8s.io\n"
    "  kind: ClusterRole\n"
    "  name: cattle-admin\n"
    "---\n"
    "apiVersion: rbac.authorization.k8s.io/v1\n"
    "kind: ClusterRole\n"
    "metadata:\n"
    "  name: cattle-admin\n"
    "  labels:\n"
    "    cattle.io/creator: norman\n"
    "rules:\n"
    "- apiGroups: [\"*\"]\n"
    "  resources: [\"*\"]\n"
    "  verbs: [\"*\"]\n"
    "- nonResourceURLs: [\"*\"]\n"
    "  verbs: [\"*\"]\n";

/* YAML's double-quoted form takes every JSON string as it is. */
static void quoted(struct buf *out, const char *before, struct str value)
{
    buf_add_c(out, before);
    json_write_string(out, value);
    buf_add_char(out, '\n');
}

static void base64_line(struct buf *out, const char *before, struct str value)
{
    buf_add_c(out, before);
    base64_encode(out, value);
    buf_add_c(out, "\"\n");
}

void agent_credentials_name(const struct agent_manifest *m, struct buf *out)
{
    struct buf text = {0}, hex = {0};
    buf_addf(&text, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(m->server_url), STR_ARG(m->token),
             STR_ARG(m->cluster_id));
    pki_sha256_hex(buf_str(&text), &hex);
    buf_add_c(out, "cattle-credentials-");
    buf_add(out, str_sub(buf_str(&hex), 0, CREDENTIALS_HEX));
    buf_free(&text);
    buf_free(&hex);
}

static void write_credentials(const struct agent_manifest *m, struct str name, struct buf *out)
{
    buf_add_c(out, "---\napiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n");
    quoted(out, "  name: ", name);
    buf_add_c(out, "  namespace: cattle-system\ndata:\n");
    base64_line(out, "  url: \"", m->server_url);
    base64_line(out, "  token: \"", m->token);
    base64_line(out, "  namespace: \"", m->cluster_id);
    if (m->membership.n)
        base64_line(out, "  " AGENT_MEMBERSHIP_KEY ": \"", m->membership);
}

static void write_env(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, "        - name: %s\n", name);
    quoted(out, "          value: ", value);
}

/* ---- a confined pod ---- */

/* The pod's own address: where kubelets probe, of whichever family. */
static void write_command(const struct agent_manifest *m, struct buf *out)
{
    static const char *const added[] = {"--healthz-listen", ("$(POD_IP):" AGENT_HEALTHZ_PORT),
                                        "--state-dir", AGENT_STATE_DIR};
    struct str word, rest = m->command;
    buf_add_c(out, "        command:\n");
    for (unsigned i = 0; i < AGENT_WORDS_MAX && rest.n; i++) {
        str_cut(rest, ' ', &word, &rest);
        if (word.n)
            quoted(out, "        - ", word);
    }
    for (size_t i = 0; i < ARRAY_LEN(added); i++)
        quoted(out, "        - ", str_c(added[i]));
}

static const char pod_security[] =
    "      securityContext:\n"
    "        runAsNonRoot: true\n"
    "        runAsUser: " AGENT_USER "\n"
    "        runAsGroup: " AGENT_USER "\n"
    "        fsGroup: " AGENT_USER "\n" /* else it could not read its credentials */
    "        seccompProfile:\n          type: RuntimeDefault\n"
    "      affinity:\n        podAntiAffinity:\n" /* two replicas on one node fall together */
    "          preferredDuringSchedulingIgnoredDuringExecution:\n"
    "          - weight: 100\n            podAffinityTerm:\n"
    "              topologyKey: kubernetes.io/hostname\n"
    "              labelSelector:\n                matchLabels:\n"
    "                  app: cattle-cluster-agent\n";

static const char pod_address[] = "        - name: POD_IP\n          valueFrom:\n"
                                  "            fieldRef:\n              fieldPath: status.podIP\n";

/* A manager that is away starts nothing anew; a process that does not answer for a minute is. */
static const char container_security[] =
    "        ports:\n        - name: healthz\n          containerPort: " AGENT_HEALTHZ_PORT "\n"
    "        securityContext:\n"
    "          allowPrivilegeEscalation: false\n"
    "          readOnlyRootFilesystem: true\n"
    "          runAsNonRoot: true\n"
    "          capabilities:\n            drop:\n            - ALL\n"
    "        livenessProbe:\n          httpGet:\n            path: /healthz\n"
    "            port: " AGENT_HEALTHZ_PORT "\n"
    "          periodSeconds: 10\n          timeoutSeconds: 5\n          failureThreshold: 6\n";

static const char probe_ready[] = "        readinessProbe:\n          httpGet:\n"
                                  "            path: /readyz\n"
                                  "            port: " AGENT_HEALTHZ_PORT "\n"
                                  "          periodSeconds: 2\n          timeoutSeconds: 5\n";

static const char probe_file[] = "        readinessProbe:\n          exec:\n            command:\n"
                                 "            - cat\n            - " AGENT_FILE_CONNECTED "\n"
                                 "          periodSeconds: 2\n";

static const char state_mount[] =
    "        - name: state\n          mountPath: " AGENT_STATE_DIR "\n";
static const char state_volume[] = "      - name: state\n        emptyDir:\n"
                                   "          sizeLimit: 1Mi\n";

/* ---- the Deployment ---- */

static void write_deployment(const struct agent_manifest *m, struct str credentials,
                             struct buf *out)
{
    bool confined = m->command.n > 0;
    buf_add_c(out, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n"
                   "  name: cattle-cluster-agent\n  namespace: cattle-system\n"
                   "  annotations:\n    management.cattle.io/scale-available: \"2\"\nspec:\n");
    if (m->replicas)
        buf_addf(out, "  replicas: %d\n", m->replicas);
    buf_add_c(out, "  selector:\n    matchLabels:\n      app: cattle-cluster-agent\n"
                   "  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n"
                   "      maxUnavailable: 0\n      maxSurge: 1\n"
                   "  template:\n    metadata:\n      labels:\n        app: cattle-cluster-agent\n"
                   "    spec:\n      serviceAccountName: cattle\n"
                   "      tolerations:\n"
                   "      - effect: NoSchedule\n        key: node-role.kubernetes.io/controlplane\n"
                   "        value: \"true\"\n"
                   "      - effect: NoSchedule\n"
                   "        key: node-role.kubernetes.io/control-plane\n"
                   "        operator: Exists\n"
                   "      - effect: NoSchedule\n        key: node-role.kubernetes.io/master\n"
                   "        operator: Exists\n");
    if (confined)
        buf_add_c(out, pod_security);
    buf_add_c(out, "      containers:\n      - name: cluster-register\n");
    quoted(out, "        image: ", m->image);
    buf_add_c(out, "        imagePullPolicy: IfNotPresent\n");
    if (confined)
        write_command(m, out);
    buf_add_c(out, "        env:\n");
    if (confined)
        buf_add_c(out, pod_address);
    write_env(out, "CATTLE_SERVER", m->server_url);
    write_env(out, "CATTLE_CA_CHECKSUM", m->ca_checksum);
    write_env(out, "CATTLE_CLUSTER", STR("true"));
    write_env(out, "CATTLE_K8S_MANAGED", STR("true"));
    write_env(out, "CATTLE_CREDENTIAL_NAME", credentials);
    write_env(out, "CATTLE_SERVER_VERSION", m->server_version);
    if (m->strict)
        write_env(out, "STRICT_VERIFY", STR("true"));
    if (confined)
        buf_add_c(out, container_security);
    if (m->ready_when_connected)
        buf_add_c(out, confined ? probe_ready : probe_file);
    buf_add_c(out, "        volumeMounts:\n        - name: cattle-credentials\n"
                   "          mountPath: /cattle-credentials\n          readOnly: true\n");
    if (confined)
        buf_add_c(out, state_mount);
    buf_add_c(out, "      volumes:\n      - name: cattle-credentials\n        secret:\n");
    quoted(out, "          secretName: ", credentials);
    buf_add_c(out, "          defaultMode: 320\n");
    if (confined)
        buf_add_c(out, state_volume);
}

static const char service[] = "---\n"
                              "apiVersion: v1\n"
                              "kind: Service\n"
                              "metadata:\n"
                              "  name: cattle-cluster-agent\n"
                              "  namespace: cattle-system\n"
                              "spec:\n"
                              "  ports:\n"
                              "  - port: 80\n"
                              "    targetPort: 80\n"
                              "    protocol: TCP\n"
                              "    name: http\n"
                              "  - port: 443\n"
                              "    targetPort: 444\n"
                              "    protocol: TCP\n"
                              "    name: https-internal\n"
                              "  selector:\n"
                              "    app: cattle-cluster-agent\n";

void agent_manifest_write(const struct agent_manifest *m, struct buf *out)
{
    struct buf credentials = {0};
    agent_credentials_name(m, &credentials);
    buf_add_c(out, roles);
    write_credentials(m, buf_str(&credentials), out);
    write_deployment(m, buf_str(&credentials), out);
    buf_add_c(out, service);
    buf_free(&credentials);
}

void agent_cleanup_manifest_write(struct str image, struct buf *out)
{
    buf_add_c(out, "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n"
                   "  generateName: cattle-cleanup-\n  namespace: default\n"
                   "  labels:\n    cattle.io/creator: norman\nspec:\n  backoffLimit: 10\n"
                   "  template:\n    metadata:\n      labels:\n        app: cattle-cleanup\n"
                   "    spec:\n      restartPolicy: Never\n      containers:\n"
                   "      - name: cleanup-agent\n");
    quoted(out, "        image: ", image);
    buf_add_c(out, "        env:\n        - name: CLUSTER_CLEANUP\n          value: \"true\"\n"
                   "        - name: SLEEP_FIRST\n          value: \"true\"\n");
}
