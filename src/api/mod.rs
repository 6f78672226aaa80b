//! Typed forms of what k8s-openapi lacks: VPA and KEDA.
