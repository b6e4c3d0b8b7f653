Feature: NuNet Documentation AI Agent
  Stakeholders: end users
  Environment: testnet with DDNS, proxy, CA and GlusterFS
  Development: in progress

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   | gpu                                            |
      | Alice   | SP   | false     | nunet | -                                              |
      | Olga    | SP   | false     | nunet | -                                              |
      | Bob     | CP   | true      | nunet | -                                              |
      | Charlie | CP   | true      | nunet | vendor: NVIDIA, model: RTX 4090, vram: 24 GiB  |
      | Dave    | CP   | true      | nunet | vendor: NVIDIA, model: GTX 1650, vram: 4 GiB   |
      | Ada     | SP   | false     | acme  | -                                              |
      | Mia     | SP   | false     | acme  | -                                              |
      | Cleo    | CP   | true      | acme  | -                                              |
      | Carl    | CP   | true      | acme  | vendor: NVIDIA, model: RTX A6000, vram: 48 GiB |
      | Eve     | SP   | false     | -     | -                                              |
    # Members of either organization may ask each other where their deployments are.
    And the scenario:
      """
      organizations:
        - {name: nunet, capabilities: [/dms/deployment, /broadcast, /public, /dms/node/deployment/manifest]}
        - {name: acme, capabilities: [/dms/deployment, /broadcast, /public, /dms/node/deployment/manifest]}
      images:
        nunet/documentation-agent: {size: 60 MB, start: 5s, service: {}}
        nunet/documentation-webui: {size: 20 MB, start: 2s, service: {}}
      """

  # The real DMS does not ask for cards: a machine without one may be chosen.
  @W3
  Scenario: Launch a NuNet Documentation AI agent for public usage
    When "Alice" deploys "documentation_agent.yaml"
    Then "Alice" deployment should be running on "Charlie"
    # An end user with the capability of the organization is told where it is, and anybody is answered there.
    When "Olga" asks "Alice" for the manifest of "Alice"
    Then the call should be answered
    When "Olga" requests "agent" where the manifest says that it is
    Then the request should be answered
    When "Eve" asks "Alice" for the manifest of "Alice"
    Then the call should stay unanswered
    When "Eve" requests "agent" of "Alice" from outside
    Then the request should be answered
    When the deployment of "Alice" is ended for good
    And "Eve" requests "agent" of "Alice" from outside
    Then the request should fail with "refused"

  @W3
  Scenario: No agent is launched where no card has room for it
    When "Alice" deploys "documentation_agent.yaml"
    Then "Alice" deployment should be running on "Charlie"
    When "Olga" deploys "documentation_agent.yaml"
    Then "Olga" deployment should fail

  @W3
  Scenario: Launch a NuNet Documentation AI private agent
    When "Ada" deploys "private_documentation_agent.yaml"
    Then "Ada" deployment should be running on "Carl"
    # Members see it, whoever has launched it reaches it, and other members may launch one as well.
    When "Ada" requests "agent" of "Ada" from its node
    Then the request should be answered
    When "Mia" says hello to "Carl"
    Then "Carl" should respond with his <DID>
    When "Mia" asks "Ada" for the manifest of "Ada"
    Then the call should be answered
    When "Mia" deploys "private_documentation_agent.yaml"
    Then "Mia" deployment should be running on "Carl"
    When "Mia" requests "agent" of "Mia" from its node
    Then the request should be answered
    # Outsiders do not, whether they belong to another organization or to none.
    When "Olga" says hello to "Carl"
    Then "Carl" should not respond with his <DID>
    When "Olga" asks "Ada" for the manifest of "Ada"
    Then the call should stay unanswered
    When "Eve" asks "Ada" for the manifest of "Ada"
    Then the call should stay unanswered
    When "Olga" requests "agent" of "Ada" from its node
    Then the request should fail with "no such name"
    When "Eve" requests "agent" of "Ada" from outside
    Then the request should fail with "no such name"
    When "Olga" deploys "private_documentation_agent.yaml" on "Carl"
    Then "Olga" deployment should fail
    When "Eve" deploys "private_documentation_agent.yaml" on "Carl"
    Then "Eve" deployment should fail

  Scenario: Launch a WebUI or API interface for enabling end-user interaction with the model
    When "Ada" deploys "documentation_webui.yaml"
    Then "Ada" deployment should be running on "Carl"
    # The page finds the model by its name, on the machine with the card.
    And allocation "ui" of "Ada" should resolve "model.internal" to "Carl"
    When allocation "ui" of "Ada" requests "model"
    Then the request should be answered
    # End users learn with the capability of their organization where the page is; there is no way to the model itself.
    When "Mia" asks "Ada" for the manifest of "Ada"
    Then the call should be answered
    When "Mia" requests "ui" where the manifest says that it is
    Then the request should be answered
    When "Mia" requests "model" where the manifest says that it is
    Then the request should fail with "no such name"
    When "Mia" requests "model" of "Ada" from outside
    Then the request should fail with "no such name"
    When "Mia" requests "model" of "Ada" from its node
    Then the request should fail with "no such name"
    When "Olga" asks "Ada" for the manifest of "Ada"
    Then the call should stay unanswered

  Scenario: An end user whose membership is revoked is told no more where the WebUI is
    Given "Ada" has deployed "documentation_webui.yaml"
    And "Ada" deployment should be running on "Carl"
    When "Mia" asks "Ada" for the manifest of "Ada"
    Then the call should be answered
    When "Ada" revokes permission from "Mia" via "acme"
    And "Mia" asks "Ada" for the manifest of "Ada"
    Then the call should stay unanswered
