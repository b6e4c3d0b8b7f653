Feature: Allocation Types
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |
    And the scenario:
      """
      images:
        example/work: {size: 20 MB, start: 1s, task: {run: 5m, output: "the work is done"}}
      """
    And the ensemble "work.yaml":
      """
      version: "V1"
      allocations:
        work:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: example/work}
      nodes:
        node1: {allocations: [work]}
      """

  @C15
  Scenario: Launch a deployment with a service-type allocation (long term allocation)
    When "Alice" deploys "nginx.yaml" on "Bob"
    Then "Alice" deployment is running
    And "Bob" should list the allocation "nginx" of "Alice" as service
    When 1 hour passes
    Then "Alice" deployment should have 1 allocation running on "Bob"
    And "Alice" deployment should be reachable from "Alice"

  @C15 @W12
  Scenario: Launch a deployment with a task-type allocation (temporary allocation)
    When "Alice" deploys "work.yaml" on "Bob"
    Then "Alice" deployment is running
    And "Bob" should list the allocation "work" of "Alice" as task
    When 6 minutes pass
    Then "Alice" deployment is completed
    And nothing of "Alice" deployment should run
    And "Bob" should hold nothing
    And "Alice" ensemble should return "the work is done"
