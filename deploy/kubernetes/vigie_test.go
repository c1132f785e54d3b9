// Package kubernetes holds vigie.yaml, and tests it.
package kubernetes

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// manifests are those of vigie.yaml, as Kubernetes reads them.
type manifests struct {
	config     *corev1.ConfigMap
	deployment *appsv1.Deployment
	budget     *policyv1.PodDisruptionBudget
	services   map[string]*corev1.Service
	ingress    *networkingv1.Ingress
}

// read decodes the manifests by the types of Kubernetes' API. A field that it does not have is an error.
func read(t *testing.T) manifests {
	t.Helper()
	text, err := os.ReadFile("vigie.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := manifests{services: make(map[string]*corev1.Service)}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		decode := func(into any) {
			if err := yaml.UnmarshalStrict(document, into); err != nil {
				t.Errorf("%s: %v", kind.Kind, err)
			}
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 ConfigMap":
			m.config = new(corev1.ConfigMap)
			decode(m.config)
		case "apps/v1 Deployment":
			m.deployment = new(appsv1.Deployment)
			decode(m.deployment)
		case "policy/v1 PodDisruptionBudget":
			m.budget = new(policyv1.PodDisruptionBudget)
			decode(m.budget)
		case "v1 Service":
			service := new(corev1.Service)
			decode(service)
			m.services[service.Name] = service
		case "networking.k8s.io/v1 Ingress":
			m.ingress = new(networkingv1.Ingress)
			decode(m.ingress)
		default:
			t.Errorf("no type for %s %s", kind.APIVersion, kind.Kind)
		}
	}
	if m.config == nil || m.deployment == nil || m.budget == nil || m.ingress == nil || len(m.services) != 2 {
		t.Fatalf("not all are there: %+v", m)
	}
	return m
}

// All select the pods that the deployment makes, and name ports and settings that there are.
func TestManifestsFitTogether(t *testing.T) {
	m := read(t)
	pod := m.deployment.Spec.Template
	selects := map[string]map[string]string{"deployment": m.deployment.Spec.Selector.MatchLabels, "budget": m.budget.Spec.Selector.MatchLabels}
	for name, service := range m.services {
		selects["service "+name] = service.Spec.Selector
	}
	for name, selector := range selects {
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
			t.Errorf("the %s selects %v, and the pods have %v", name, selector, pod.Labels)
		}
	}
	container := pod.Spec.Containers[0]
	var ports []string
	for _, port := range container.Ports {
		ports = append(ports, port.Name)
	}
	for name, service := range m.services {
		for _, port := range service.Spec.Ports {
			if !slices.Contains(ports, port.TargetPort.StrVal) {
				t.Errorf("the service %s leads to %q; the pods have %v", name, port.TargetPort.StrVal, ports)
			}
		}
	}
	for name, probe := range map[string]*corev1.Probe{"startup": container.StartupProbe, "readiness": container.ReadinessProbe, "liveness": container.LivenessProbe} {
		want := "/healthz"
		if name == "readiness" {
			want = "/readyz"
		}
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != want || probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("the probe of %s is %+v", name, probe)
		}
	}
	backend := m.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	service := m.services[backend.Name]
	if service == nil || !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == backend.Port.Name }) || service.Name == "vigie-private" {
		t.Errorf("the ingress leads to %+v", backend)
	}
	if m.config.Data["VIGIE_PRIVATE_LISTEN"] != fmt.Sprint(":", m.services["vigie-private"].Spec.Ports[0].Port) {
		t.Errorf("VIGIE_PRIVATE_LISTEN is %q", m.config.Data["VIGIE_PRIVATE_LISTEN"])
	}
	mounted := make(map[string]bool)
	for _, volume := range pod.Spec.Volumes {
		mounted[volume.Name] = true
	}
	for _, mount := range container.VolumeMounts {
		if !mounted[mount.Name] {
			t.Errorf("there is no volume %s", mount.Name)
		}
	}
}

// A replica has what `restricted`, the strictest of Kubernetes' pod security standards, asks for, writes to no file system
// but /tmp, and has time to stop.
func TestPodsAreRestricted(t *testing.T) {
	pod := read(t).deployment.Spec.Template.Spec
	inPod, container := pod.SecurityContext, pod.Containers[0]
	in := container.SecurityContext
	if inPod == nil || in == nil {
		t.Fatal("there is no security context")
	}
	for what, ok := range map[string]bool{
		"runs as root":                  inPod.RunAsNonRoot != nil && *inPod.RunAsNonRoot && inPod.RunAsUser != nil && *inPod.RunAsUser > 0,
		"has no seccomp profile":        inPod.SeccompProfile != nil && inPod.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"can become more":               in.AllowPrivilegeEscalation != nil && !*in.AllowPrivilegeEscalation,
		"has capabilities":              in.Capabilities != nil && slices.Equal(in.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(in.Capabilities.Add) == 0,
		"writes where it should not":    in.ReadOnlyRootFilesystem != nil && *in.ReadOnlyRootFilesystem,
		"has an account of Kubernetes":  pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken,
		"has no limit of memory":        !container.Resources.Limits.Memory().IsZero(),
		"is killed before it has ended": pod.TerminationGracePeriodSeconds != nil && *pod.TerminationGracePeriodSeconds >= 20,
	} {
		if !ok {
			t.Errorf("a replica %s", what)
		}
	}
}
