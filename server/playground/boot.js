'use strict'

{
  const root = document.getElementById('graphiql')
  if (window.React && window.ReactDOM && window.GraphiQL && window.GraphiQLPluginExplorer) {
    const { endpoint } = root.dataset
    const examples = JSON.parse(root.dataset.examples)
    const asked = new URLSearchParams(location.search)
    const url = new URL(endpoint, location.href).href
    if (innerWidth > 760) openDocumentation() // where there is room beside the query
    ReactDOM.createRoot(root).render(
      React.createElement(GraphiQL, {
        fetcher: GraphiQL.createFetcher({ url, subscriptionUrl: url.replace(/^http/, 'ws') }),
        defaultQuery: examples[0].query,
        defaultTabs: examples,
        // What a link carries opens in a tab of its own.
        ...(asked.get('query') && { query: asked.get('query'), variables: asked.get('variables') ?? '' }),
        // Given, they take the place of the usual ones.
        plugins: [GraphiQL.HISTORY_PLUGIN, GraphiQLPluginExplorer.explorerPlugin()].filter(Boolean),
        isHeadersEditorEnabled: true,
        // Headers hold tokens: the browser forgets them with the page.
        shouldPersistHeaders: false,
        inputValueDeprecation: true,
      }),
    )
  } else {
    root.textContent = 'The files of the playground did not load. « make playground » puts them into the server itself.'
  }

  // GraphiQL's own property for it, visiblePlugin, lights the button and leaves
  // the pane closed (4.1.2).
  function openDocumentation() {
    new MutationObserver((_, observer) => {
      const button = root.querySelector('[aria-label="Show Documentation Explorer"]')
      if (button) {
        observer.disconnect()
        button.click()
      }
    }).observe(root, { childList: true, subtree: true })
  }
}
