# The product on a cluster; the Makefile above includes this. k8s/README.md says how the variables work together.

NAMESPACE ?= parkingspots
IMAGE_PREFIX ?=
IMAGE_TAG ?= dev
# Called as: IMAGE_BUILDER TAG CONTEXT FLAGS…, then IMAGE_LOADER TAG. One command may do both: then the loader is `true`.
IMAGE_BUILDER ?= docker build --tag
IMAGE_LOADER ?= kind load docker-image --name parkingspots
IMAGE_TARGET ?=
# The name of a context that may be installed into although it is not kind's.
CONTEXT ?=
BASE_IMAGE ?=
SERVICE_IMAGE = $(IMAGE_PREFIX)parkingspots
OPERATOR_IMAGE = $(IMAGE_PREFIX)parkingspots-operator
BUILD_FLAGS = $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) --build-arg VERSION=$(IMAGE_TAG) \
	--build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# What the images are made of, as a number: new contents get a new tag, so that the cluster rolls them out.
CONTENT_TAG = $(or $(IMAGE_TARGET),dev)-$(shell find service lifecycle-cronjob operator requirements -type f \
	-not -path '*/__pycache__/*' -exec cksum {} + | sort -k 3 | cksum | cut -d ' ' -f 1)
HELM ?= helm
KUBECTL ?= kubectl
# By another name: make runs lines that name it themselves under `make -n` too.
THIS_MAKE := $(MAKE)
# $(call need,PROGRAM,what to do without it): a line of a recipe.
need = command -v '$(1)' >/dev/null || { echo '$(1) is not installed. $(2)' >&2; exit 1; }
NEED_KUBECTL = $(call need,$(firstword $(KUBECTL)),It talks to clusters: https://kubernetes.io/docs/tasks/tools/)
NEED_HELM = $(call need,$(firstword $(HELM)),It installs charts: https://helm.sh/docs/intro/install/)
NEED_KIND = $(call need,kind,It runs clusters in containers: https://kind.sigs.k8s.io. Or let KUBECONFIG name a cluster that runs.)
NEED_BUILDER = $(call need,$(firstword $(IMAGE_BUILDER)),Install Docker or set IMAGE_BUILDER: see k8s/README.md)
NEED_LOADER = $(call need,$(firstword $(IMAGE_LOADER)),It brings images to the cluster. Install it or set IMAGE_LOADER: see k8s/README.md)
REACHED = $(KUBECTL) version --request-timeout=5s >/dev/null 2>&1
NEED_CLUSTER = $(REACHED) || { echo 'No cluster can be reached: make cluster, or set KUBECONFIG.' >&2; exit 1; }
CURRENT = context=$$($(KUBECTL) config current-context 2>/dev/null || true)
# Nothing is installed where somebody's kubectl happens to lead: the context is CONTEXT, one of KUBECONFIG, or one of kind's.
CHOSEN = $(if $(CONTEXT),'$(CONTEXT)',$(if $(KUBECONFIG),*,kind-*))
NEED_CHOICE = $(CURRENT); case "$$context" in $(CHOSEN)) echo "The cluster is that of the context $$context." ;; *) \
	echo "The current context is '$$context', and nobody chose it. Choose it by CONTEXT='$$context', another by kubectl config use-context," \
	"or KUBECONFIG=\"\$$HOME/.kube/parkingspots\" for a cluster of its own." >&2; exit 1 ;; esac
NEED_KIND_NODES = $(CURRENT); case "$$($(KUBECTL) get nodes --output 'jsonpath={.items[0].spec.providerID}')" in \
	kind://*) ;; *) echo "The cluster of the context $$context is not kind's: its own has addons of its own." >&2; exit 1 ;; esac

.PHONY: cluster addons images up watch logs e2e monitoring

cluster: ## Start a cluster with kind, unless one of kind's or of your choice can be reached (CONTEXT, KUBECONFIG)
	@$(NEED_KUBECTL)
	@if $(REACHED); then $(NEED_CHOICE); exit; fi; \
	if [ -s "$$KUBECONFIG" ]; then echo "The cluster of KUBECONFIG=$$KUBECONFIG cannot be reached." >&2; exit 1; fi; \
	$(NEED_KIND); \
	if kind get clusters 2>/dev/null | grep -qx parkingspots; then kind export kubeconfig --name parkingspots; \
	else kind create cluster --config k8s/kind.yaml --wait 2m; fi

addons: ## Put on a kind cluster what it lacks: Traefik for Ingresses on ports 80 and 443, and the metrics API
	@$(NEED_HELM)
	@$(NEED_KUBECTL)
	@$(NEED_CLUSTER)
	@$(NEED_KIND_NODES)
	@$(HELM) upgrade --install traefik traefik --repo https://traefik.github.io/charts --version 41.6.0 \
		--namespace traefik --create-namespace --set ports.web.hostPort=80 --set ports.websecure.hostPort=443 \
		--set-string nodeSelector.ingress-ready=true
	@$(HELM) upgrade --install metrics-server metrics-server --repo https://kubernetes-sigs.github.io/metrics-server --version 3.13.0 \
		--namespace kube-system --set 'args={--kubelet-insecure-tls}'
	@$(KUBECTL) --namespace traefik rollout status deployment/traefik --timeout 3m
	@$(KUBECTL) --namespace kube-system rollout status deployment/metrics-server --timeout 3m

images: ## Build both images and bring them to the cluster (IMAGE_BUILDER, IMAGE_LOADER, IMAGE_PREFIX, BASE_IMAGE)
	@$(NEED_BUILDER)
	@$(NEED_LOADER)
	@echo 'Building $(SERVICE_IMAGE):$(IMAGE_TAG) and $(OPERATOR_IMAGE):$(IMAGE_TAG)'
	@$(IMAGE_BUILDER) $(SERVICE_IMAGE):$(IMAGE_TAG) . --file service/Dockerfile $(BUILD_FLAGS) $(addprefix --target ,$(IMAGE_TARGET))
	@$(IMAGE_LOADER) $(SERVICE_IMAGE):$(IMAGE_TAG)
	@$(IMAGE_BUILDER) $(OPERATOR_IMAGE):$(IMAGE_TAG) . --file operator/Dockerfile $(BUILD_FLAGS)
	@$(IMAGE_LOADER) $(OPERATOR_IMAGE):$(IMAGE_TAG)

up: cluster ## Bring the product up on the cluster, or bring it up to date there (HELM_ARGS="--values my.yaml")
	@$(NEED_HELM)
	@$(MAKE) --no-print-directory images IMAGE_TAG='$(CONTENT_TAG)'
	@$(NEED_CHOICE)
	@$(KUBECTL) apply --server-side --force-conflicts --field-manager helm --filename charts/parkingspots/crds
	@$(HELM) upgrade --install parkingspots charts/parkingspots --namespace $(NAMESPACE) --create-namespace \
		--values k8s/development-values.yaml $(if $(DEBUG),--values k8s/debug-values.yaml) \
		--set-string "image.repository=$(SERVICE_IMAGE),image.tag=$(CONTENT_TAG)" \
		--set-string "operator.image.repository=$(OPERATOR_IMAGE),operator.image.tag=$(CONTENT_TAG)" \
		--wait --timeout 10m $(HELM_ARGS)

watch: install cluster ## Bring it up and keep it up to date: Python files go into running pods, all else is built anew (DEBUG=1)
	@$(CURRENT); $(BIN)/python k8s/watch.py --kubectl $(KUBECTL) --context "$$context" --namespace $(NAMESPACE) -- \
		$(THIS_MAKE) --no-print-directory up IMAGE_TARGET=development CONTEXT="$$context"

logs: install ## Follow what all pods of the release write, a line a record (NAMESPACE, SINCE=10m)
	@$(NEED_KUBECTL)
	@$(NEED_CLUSTER)
	@$(KUBECTL) --namespace $(NAMESPACE) logs --selector app.kubernetes.io/instance=parkingspots --all-containers --prefix \
		--follow --ignore-errors --max-log-requests 50 $(if $(SINCE),--since $(SINCE),--tail 20) | $(BIN)/python k8s/logs.py

e2e: install ## Run the tests that need a cluster, and short trials of reliability, on one of kind's or of your choice (PYTEST_ARGS, CONTEXT, KUBECONFIG)
	@$(NEED_KUBECTL)
	@$(NEED_CLUSTER)
	@$(NEED_CHOICE)
	@$(MAKE) --no-print-directory images
	@IMAGE_BUILDER='$(IMAGE_BUILDER)' IMAGE_LOADER='$(IMAGE_LOADER)' IMAGE_PREFIX='$(IMAGE_PREFIX)' $(BIN)/pytest tests/cluster tests/resilience $(PYTEST_ARGS)

monitoring: ## Put a Prometheus and a Grafana on the cluster, with the chart's rules and dashboards
	@$(NEED_KUBECTL)
	@$(NEED_CLUSTER)
	@$(NEED_CHOICE)
	@$(KUBECTL) apply --server-side --filename k8s/monitoring/namespace.yaml
	@config() { name=$$1; shift; \
		$(KUBECTL) --namespace monitoring create configmap "$$name" "$$@" --dry-run=client --output yaml \
		| $(KUBECTL) apply --server-side --force-conflicts --filename -; }; \
	config prometheus-rules --from-file=charts/parkingspots/files/rules && \
	config grafana-dashboards $(addprefix --from-file=,$(wildcard charts/parkingspots/dashboards/*.json))
	@$(KUBECTL) apply --server-side --filename k8s/monitoring
	@read=$$(cat k8s/monitoring/* $(wildcard charts/parkingspots/files/rules/*.yaml) $(wildcard charts/parkingspots/dashboards/*.json) | cksum); \
	for name in prometheus grafana; do $(KUBECTL) --namespace monitoring patch deployment "$$name" --patch \
		"{\"spec\": {\"template\": {\"metadata\": {\"annotations\": {\"parkingspots.dev/read\": \"$$read\"}}}}}"; done
	@$(KUBECTL) --namespace monitoring rollout status deployment --timeout 3m
	@echo 'Grafana: $(KUBECTL) --namespace monitoring port-forward service/grafana 3000, then http://127.0.0.1:3000'
