const page = document.getElementById("docs");

// A login URL in the description may be relative to the page: it has to mean the same at /docs/ as at /docs.
history.replaceState(null, "", location.pathname.replace(/\/$/, "") + location.search + location.hash);

SwaggerUIBundle({
  domNode: page,
  url: page.dataset.openapiUrl,
  deepLinking: true,
  displayRequestDuration: true,
  // Left out, it is a service on another host.
  validatorUrl: null,
});
