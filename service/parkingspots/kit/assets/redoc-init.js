const page = document.getElementById("docs");
const font = "system-ui, sans-serif";

// The default theme asks for web fonts that this host does not carry.
const theme = { typography: { fontFamily: font, headings: { fontFamily: font } } };

Redoc.init(page.dataset.openapiUrl, { nativeScrollbars: true, theme }, page);
