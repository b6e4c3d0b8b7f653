Feature: Observability
  Stakeholders: service providers, resource providers, facilitators
  Environment: testnet with storage and dashboards
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |
      | Zoe   | CP   | true      | nunet |
    And the scenario:
      """
      images:
        example/printer: {size: 20 MB, start: 1s, service: {output: "nginx started"}}
      observability:
        - peers: [alice, bob]
          sinks: [console, events]
          elastic: {url: "https://logs.example", api_key: bWV0cmljcw}
          flush_interval: 5s
          apm: {url: "https://apm.example", service: dms, environment: test}
          skip: [user]
        - {peers: [zoe], sinks: [console, events], no_op: true}
      """

  Scenario: A structured log tells that the system started
    Then "Alice" should have logged "node_started_successfully" as info
    And "Bob" should have logged "node_started_successfully" as info

  Scenario: Labels route records to their indices
    When "Alice" has 1 service Running on "Bob"
    Then "Bob" should have logged "allocation_created" as info
    And the index "allocation-index" should have "allocation_created" of "Bob"
    And the index "deployment-index" should have "deployment_created" of "Alice"
    And the index "node-index" should have "node_started_successfully" of "Alice"

  @C15
  Scenario: A label that is skipped is not indexed
    Given "Alice" sets its log level to debug
    When "Alice" says hello to "Bob"
    Then "Alice" should have logged "behaviour_answered" as debug
    When 10 seconds pass
    Then the index "user-index" should have nothing of "Alice"

  Scenario: The event bus tells of a completed deployment
    When "Alice" has deployed "docker_hello.yaml" on "Bob"
    And "Alice" deployment is completed
    Then "Alice" should have published the event "DeploymentCompleted" with "success"

  Scenario: The event bus tells of a failed deployment
    When "Alice" deploys "nginx.yaml" on "Alice"
    And "Alice" deployment should fail
    And 2 minutes pass
    Then "Alice" should have published the event "DeploymentFailed" with "failure"

  Scenario: Every record is on the event bus
    When "Alice" has 1 service Running on "Bob"
    Then "Bob" should have published the event "log_event" with "allocation_run_started"

  Scenario: A deployment is traced at its orchestrator and at its provider
    When "Alice" has 1 service Running on "Bob"
    Then "Alice" should have traced "deployment_created"
    And "Bob" should have traced "bid_request"
    And "Bob" should have traced "allocation_run_started"

  @C15
  Scenario: The level is changed while the node runs
    Given "Alice" has deployed "docker_hello.yaml" on "Bob"
    And "Alice" deployment is completed
    And "Bob" should have logged nothing as debug
    When "Bob" sets its log level to debug
    And "Alice" has deployed "docker_hello.yaml" on "Bob"
    Then "Bob" should have logged "allocation_address" as debug

  @C15
  Scenario: A higher level silences what is below it
    Given "Bob" sets its log level to error
    When "Alice" has 1 service Running on "Bob"
    Then "Bob" should have logged "node_started_successfully" as info
    And "Alice" should have logged "deployment_status" as info
    But "Bob" should not have logged "allocation_run_started"

  Scenario: A node in no-op mode writes nothing
    When "Alice" has 1 service Running on "Zoe"
    And 1 minute passes
    Then nothing of "Zoe" should have been written
    And "Alice" should have logged "deployment_status" as info

  @C15
  Scenario: Another Elasticsearch is used while the node runs
    When "Bob" sends its logs to "https://other.example"
    Then "Bob" should have logged "logger_configured" as info
    And the index "default-index" should have "logger_configured" of "Bob"

  Scenario: A node that is shut down in good order flushes what it has
    When "Bob" restarts DMS
    Then "Bob" should have logged "node_stopped" as info
    And the index "node-index" should have "node_stopped" of "Bob"
    And "Bob" should have published the event "log_event" with "node_stopped"

  Scenario: Metrics tell of deployments and of the machine
    When "Alice" has 1 service Running on "Bob"
    Then "Alice" should have exported the metric "dms.deployment.success" with value 1
    And "Bob" should have exported the metric "dms.bid.accepted" with value 1
    And "Bob" should have exported the metric "dms.node.onboarded" with value 1
    And "Bob" should have exported the metric "dms.node.cpu" with value 8
    And "Bob" should have exported the metric "dms.allocation.cpu.usage"

  Scenario: Logs of a deployed service
    When "Alice" deploys a service of 0.5 CPU, 1 GB RAM and 1 GB disk with image "example/printer" on "Bob"
    And "Alice" deployment is running
    Then the log of allocation "main" of "Alice" should contain "nginx started"
