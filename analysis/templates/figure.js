// Bundled with Vega-Embed: draws the page's own specification over its static figure, which stays for print.
const place = document.getElementById("interactive");
const source = document.getElementById("spec");
if (place && source) {
  const options = {
    renderer: "svg",
    actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
  };
  vegaEmbed(place, JSON.parse(source.textContent), options)
    .then(() => document.documentElement.classList.add("is-interactive"))
    .catch((error) => console.error(error));
}
